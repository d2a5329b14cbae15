"""The demo's accounts; their known password works on loopback only."""

DEMO_ACCOUNTS = {
    "student@example.org": "Sam Student",
    "assistant@example.org": "Sebastian Baunsgaard",
    "lecturer@example.org": "Matthias Boehm",
    "admin@example.org": "Ada Admin",
    "stranger@example.org": "Stray Stranger",
}
FELLOW_STUDENTS = (
    "Alex Nguyen", "Bea Köhler", "Chen Wei", "Dilara Yılmaz", "Emil Sørensen", "Fatima Al-Sayed", "Giulia Rossi",
    "Hannah Schmidt", "Ivan Petrov", "Jana Novák", "Kofi Mensah",
)  # fmt: skip

FELLOW_ADDRESSES = tuple(f"student{number}@example.org" for number in range(2, len(FELLOW_STUDENTS) + 2))
