"""`python -m denoise.precision`: add the PSNR change by bfloat16 to cards."""

from denoise import cli
from denoise.train.bf16 import main

if __name__ == "__main__":
    cli.run(main)
