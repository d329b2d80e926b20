"""TIFF tags, and the tag values that define the meaning of the samples."""

from __future__ import annotations

from denoise.images.exif import EXIF, GPS, UNIT, X_RESOLUTION, Y_RESOLUTION

TYPE, OLD_TYPE, WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC = 254, 255, 256, 257, 258, 259, 262
STRIPS, ORIENTATION, SAMPLES, STRIP_ROWS, STRIP_BYTES, PLANAR = 273, 274, 277, 278, 279, 284
PREDICTOR, COLOR_MAP, TILE_WIDTH, TILE_HEIGHT, TILES, TILE_BYTES = 317, 320, 322, 323, 324, 325
EXTRA, FORMAT, XMP, IPTC, PHOTOSHOP, ICC, DNG = 338, 339, 700, 33723, 34377, 34675, 50706

WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, CMYK, YCBCR, CIELAB, ICCLAB = 0, 1, 2, 3, 5, 6, 8, 9
CHANNELS = {
    WHITE_IS_ZERO: 1,
    BLACK_IS_ZERO: 1,
    RGB: 3,
    PALETTE: 1,
    CMYK: 4,
    YCBCR: 3,
    CIELAB: 3,
    ICCLAB: 3,
}
"""Channels without extra channels, by readable color space."""

OPAQUE = {WHITE_IS_ZERO: BLACK_IS_ZERO, PALETTE: BLACK_IS_ZERO, CMYK: RGB, CIELAB: RGB, ICCLAB: RGB}
"""Replacement color spaces, under which OpenImageIO returns the samples unchanged."""

RAW = (32803, 34892)  # color spaces of a camera's sensor
RAW_FILE = "a camera raw file, not an image: develop it first"
ASSOCIATED, UNASSOCIATED = 1, 2  # kinds of alpha
UNSIGNED, SIGNED, FLOAT, UNDEFINED = 1, 2, 3, 4
NUMBERS = {
    *((kind, bits) for kind in (UNSIGNED, UNDEFINED) for bits in (1, 2, 4, 8, 10, 12, 14, 16, 32))
}
NUMBERS |= {(FLOAT, 16), (FLOAT, 32), (FLOAT, 64)}
VALID = "valid: unsigned integers of 1 to 16 or 32 bits, floats of 16 to 64"
OLD_JPEG, JPEG = 6, 7  # compressions

DECODING = {
    *(
        WIDTH,
        HEIGHT,
        BITS,
        COMPRESSION,
        PHOTOMETRIC,
        266,
        STRIPS,
        SAMPLES,
        STRIP_ROWS,
        STRIP_BYTES,
        PLANAR,
        292,
        293,
    ),
    *(
        PREDICTOR,
        COLOR_MAP,
        TILE_WIDTH,
        TILE_HEIGHT,
        TILES,
        TILE_BYTES,
        EXTRA,
        FORMAT,
        347,
        529,
        530,
        531,
        532,
    ),
}
"""Fields required to decode the pixels."""

NO_DESCRIPTION = DECODING | {
    TYPE,
    OLD_TYPE,
    263,
    264,
    265,
    ORIENTATION,
    280,
    281,
    288,
    289,
    290,
    291,
    301,
    321,
    326,
}
NO_DESCRIPTION |= {327, 328, 330, 332, 333, 334, 336, 340, 341, 342, 559, 37724, *range(512, 522)}
NO_DESCRIPTION |= {XMP, IPTC, PHOTOSHOP, ICC, X_RESOLUTION, Y_RESOLUTION, UNIT}
"""Fields on the storage of pixels, and fields kept separately; the rest describe the image."""

DIRECTORIES = (EXIF, GPS)
