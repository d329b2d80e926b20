"""A folder becomes a repository of the Hugging Face hub; whatever is wrong is said in one line.

References
----------
https://huggingface.co/docs/huggingface_hub/guides/upload
"""

from __future__ import annotations

from pathlib import Path

import huggingface_hub
from huggingface_hub import errors
from huggingface_hub.utils import validate_repo_id

from denoise.commandline import one_line

KINDS = {"space": "Space", "model": "model repository"}
PAYMENT_REQUIRED = 402


class PaymentRequired(ValueError):
    """The hub wants a paid plan for what was asked."""


def check_name(name: str, kind: str) -> None:
    """Raise ValueError if the hub takes no repository of that name; `kind` is one of `KINDS`. Nothing is sent."""
    try:
        validate_repo_id(name)
    except errors.HFValidationError as error:
        raise ValueError(f"{name!r} is no name of a {KINDS[kind]}: ORG/NAME ({one_line(error)})") from error


def push(
    name: str, folder: Path, kind: str, message: str, *, private: bool = False, hardware: str | None = None,
    **options: str,
) -> str:  # fmt: skip
    """Create the repository `ORG/NAME`, or bring an existing one up to date: it then holds `folder` and nothing else.

    Parameters
    ----------
    name : str
    folder : Path
    kind : str
        One of `KINDS`.
    message : str
        Of the commit.
    private : bool
        Of a repository that is created.
    hardware : str, optional
        Of a Space: one of `SpaceHardware`. An existing Space is moved to it.
    **options
        Of `create_repo`.

    Returns
    -------
    str
        Its address.

    Raises
    ------
    PaymentRequired
        The hub answers 402.
    ValueError
        There is no token, the name is none, or the hub refuses or is not reached; one line that says which.
    """
    check_name(name, kind)
    token = huggingface_hub.get_token()
    if token is None:
        raise ValueError(
            "no Hugging Face token: run `hf auth login`, or set HF_TOKEN; one that may write is made at "
            "huggingface.co/settings/tokens"
        )
    api = huggingface_hub.HfApi(token=token)
    try:
        moved = hardware is not None and api.repo_exists(name, repo_type=kind)
        if hardware is not None and not moved:
            options["space_hardware"] = hardware
        address = api.create_repo(name, repo_type=kind, private=private, exist_ok=True, **options)
        if moved:
            api.request_space_hardware(name, hardware)
        api.upload_folder(
            repo_id=name, repo_type=kind, folder_path=folder, delete_patterns="*", commit_message=message
        )  # fmt: skip
    except errors.HTTPError as error:  # of the library's HTTP client, which is another one from version to version
        if getattr(getattr(error, "response", None), "status_code", None) == PAYMENT_REQUIRED:
            raise PaymentRequired(f"the hub did not take {name}: {_first(error)}") from error
        raise ValueError(f"the hub did not take {name}: {_first(error)}") from error
    return str(address)


def _first(error: Exception) -> str:
    """The line of an error of the hub that says what is wrong: the last one, after the request that it was."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__
