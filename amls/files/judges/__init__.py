"""What each kind of upload really is. Called in the limited child: nothing here may import Django.

A judge takes the open file, and yields what it found out, once; or it raises `Refused` with a code
for which `amls.files.checks` has the words.
"""
