"""What people type about projects: on the course's pages, and at the desk."""
