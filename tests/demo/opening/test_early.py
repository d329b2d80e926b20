"""The server that answers before the page is imported."""

import re
import socket
import subprocess
import sys

import httpx
import pytest

from demo import opening
from demo.opening import early


@pytest.fixture
def url():
    server = early.Early("127.0.0.1", 0)
    yield f"http://127.0.0.1:{server.port}"
    server.close()


def test_the_page_opens_with_the_committed_result(url):
    answer = httpx.get(f"{url}/?__theme=dark")
    assert answer.status_code == 200
    assert answer.text == opening.document()
    pictures = re.findall(r'<img src="data:image/png;base64,', answer.text)
    assert len(pictures) >= 4
    assert " dB" in answer.text


def test_all_else_is_asked_to_come_again(url):
    for answer in (
        httpx.get(f"{url}/gradio_api/app_id"),
        httpx.get(f"{url}/../etc/hostname"),
        httpx.post(f"{url}/gradio_api/upload", content=b"x"),
    ):
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
        assert answer.text == early.STARTING


def test_the_first_view_asks_no_other_host_and_runs_no_script_of_another_file(url):
    policy = httpx.get(url).headers["content-security-policy"]
    assert "script-src 'unsafe-inline';" in policy
    assert not re.search(r'(src|href)="(?!data:|\?)', httpx.get(url).text)


def test_a_closed_server_frees_its_port():
    server = early.Early("127.0.0.1", 0)
    port = server.close()
    with socket.socket() as free:
        free.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        free.bind(("127.0.0.1", port))


def test_a_port_that_another_program_has_is_left_to_gradio_to_report(monkeypatch):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        monkeypatch.setenv("GRADIO_SERVER_PORT", str(taken.getsockname()[1]))
        assert early.start() is None


def test_the_server_needs_the_standard_library_alone():
    line = (
        "import sys, demo.opening.early; print(*{name.partition('.')[0] for name in sys.modules})"
    )
    loaded = subprocess.run(
        [sys.executable, "-S", "-c", line], capture_output=True, text=True, check=True
    ).stdout.split()
    loaded = {name.partition(".")[0] for name in loaded}
    assert loaded - set(sys.stdlib_module_names) <= {"demo", "__main__"}
