"""Upload of a folder to a repository of the Hugging Face hub, with one-line errors.

References
----------
https://huggingface.co/docs/huggingface_hub/guides/upload
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import huggingface_hub
from huggingface_hub import errors
from huggingface_hub.utils import validate_repo_id

from denoise.cli import one_line

KINDS = {"space": "Space", "model": "model repository"}
PAYMENT_REQUIRED = 402


class PaymentRequired(ValueError):
    """Error of a request that needs a paid plan of the hub."""


def check_name(name: str, kind: str) -> None:
    """Raise ValueError if `name` is invalid for a repository of a `kind` in `KINDS`.

    Send nothing.
    """
    try:
        validate_repo_id(name)
    except errors.HFValidationError as error:
        raise ValueError(
            f"{name!r} is not a valid name of a {KINDS[kind]}, ORG/NAME: {one_line(error)}"
        ) from error


def push(
    name: str,
    folder: Path,
    kind: str,
    message: str,
    *,
    private: bool = False,
    hardware: str | None = None,
    **options: Any,
) -> str:
    """Create or update the repository `ORG/NAME` with exactly the files of `folder`.

    Parameters
    ----------
    name : str
    folder : Path
    kind : str
        One of `KINDS`.
    message : str
        Message of the commit.
    private : bool
        Visibility of a new repository.
    hardware : str, optional
        Hardware of a Space, one of `SpaceHardware`. An existing Space is moved to it.
    **options
        Options of `create_repo`.

    Returns
    -------
    str
        The address of the repository.

    Raises
    ------
    PaymentRequired
        The hub returns status 402.
    ValueError
        The token is missing, the name is invalid, or the hub refuses or is unreachable; the message
        is one line.
    """
    check_name(name, kind)
    token = huggingface_hub.get_token()
    if token is None:
        raise ValueError(
            "no Hugging Face token: run `hf auth login` or set HF_TOKEN, with a write token of "
            "huggingface.co/settings/tokens"
        )
    api = huggingface_hub.HfApi(token=token)
    try:
        moved = hardware is not None and api.repo_exists(name, repo_type=kind)
        if hardware is not None and not moved:
            options["space_hardware"] = hardware
        address = api.create_repo(name, repo_type=kind, private=private, exist_ok=True, **options)
        if moved:
            api.request_space_hardware(name, hardware)  # type: ignore[arg-type]  # also takes a name
        api.upload_folder(
            repo_id=name,
            repo_type=kind,
            folder_path=folder,
            delete_patterns="*",
            commit_message=message,
        )
    # base class of the library's HTTP client, which differs between versions
    except errors.HTTPError as error:
        if getattr(getattr(error, "response", None), "status_code", None) == PAYMENT_REQUIRED:
            raise PaymentRequired(f"the hub rejected {name}: {_reason(error)}") from error
        raise ValueError(f"the hub rejected {name}: {_reason(error)}") from error
    return str(address)


def _reason(error: Exception) -> str:
    """Return the last line of a hub error, which names the problem."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__
