"""What a source means as a course: pure, the same every time, and quick."""
