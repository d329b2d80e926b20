"""Image files, taken apart and put together.

`kinds` is the table of kinds and endings. One module a kind checks the structure of a file and hands its pixels to a
decoder. Metadata goes along as bytes (`metadata`, `exif`, `ifd`). `reading`, `writing` and, for uploads, `isolated` are
the doors.
"""
