"""Image files: reading, writing, and their metadata.

`kinds` is the table of formats and endings. One module per format checks the structure of a file
and passes its pixels to a decoder. Metadata is kept as bytes (`metadata`, `exif`, `ifd`).
`reading`, `writing` and, for uploads, `isolated` are the entry points.
"""
