"""What this app gives to others."""
