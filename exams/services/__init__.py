"""Writes of the app `exams`, by what they are about."""
