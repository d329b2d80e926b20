"""Small Hugging Face hub on loopback, with only the routes of folder uploads and downloads.

With `free`, the hub treats its client as a free account: a Gradio Space must use ZeroGPU, and needs
a function that asks for a GPU.
"""

import base64
import hashlib
import json
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import loopback

TOKEN = "hf_of_nobody"
SHA = "0" * 40  # of every commit
UNPAID = (
    "Static Spaces are free for everyone, but hosting Gradio and Docker Spaces on free cpu-basic "
    "requires a PRO subscription."
)
NO_FUNCTION = "No @spaces.GPU function detected during startup"


class Hub(loopback.Server):
    """Server state by `TYPE/ORG/NAME`: creation requests (`repos`) and files."""

    def __init__(self):
        super().__init__(Handler)
        self.repos, self.files, self.blobs = {}, {}, {}
        self.refused, self.free = False, False

    def lay_out(self, repo, folder: Path):
        """Write the files of a repository into a folder, as in a Space."""
        for name, content in self.files[repo].items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        pass

    def do_POST(self):
        body = self._body()
        if self.headers.get("authorization") != f"Bearer {TOKEN}" or self.server.refused:
            return self._answer({"error": "You don't have the rights to create this"}, 403)
        path = self.path.partition("?")[0]
        if path == "/api/repos/create":
            asked = json.loads(body)
            repo = f"{asked['type']}s/{asked['organization']}/{asked['name']}"
            there = repo in self.server.repos
            if (
                self.server.free
                and asked.get("sdk") == "gradio"
                and asked.get("hardware") != "zero-a10g"
            ):
                return self._answer({"error": UNPAID}, 402)
            self.server.repos.setdefault(repo, asked)
            self.server.files.setdefault(repo, {})
            where = {"url": f"{self.server.url}/{repo}"}
            return (
                self._answer(where | {"error": "it exists"}, 409) if there else self._answer(where)
            )
        if path.endswith("/hardware"):
            hardware = json.loads(body)["flavor"]
            self.server.repos[path.removeprefix("/api/").removesuffix("/hardware")]["hardware"] = (
                hardware
            )
            return self._answer(
                {"stage": "BUILDING", "hardware": {"current": None, "requested": hardware}}
            )
        if path == "/api/validate-yaml":
            return self._answer({"errors": [], "warnings": []})
        if path.endswith("/preupload/main"):
            files = [
                {"path": f["path"], "uploadMode": _mode(f["path"])}
                for f in json.loads(body)["files"]
            ]
            return self._answer({"files": [{**f, "shouldIgnore": False} for f in files]})
        if path.endswith("/info/lfs/objects/batch"):
            return self._answer(
                {
                    "transfer": "basic",
                    "objects": [self._place(o) for o in json.loads(body)["objects"]],
                }
            )
        if path.endswith("/commit/main"):
            return self._commit(path.removeprefix("/api/").removesuffix("/commit/main"), body)
        return self._answer({"error": f"no such address: {path}"}, 404)

    def do_PUT(self):
        self.server.blobs[self.path.rpartition("/")[2]] = self._body()
        self._answer({})

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        path = self.path.partition("?")[0].removeprefix("/api/")
        owner, _, file = path.removeprefix("/").partition(f"/resolve/{SHA}/")
        if file in self.server.files.get(f"models/{owner}", {}):
            return self._send(self.server.files[f"models/{owner}"][file])
        for repo, files in self.server.files.items():
            if path in (f"{repo}/tree/main", f"{repo}/tree/{SHA}"):
                entries = [
                    {"type": "file", "path": name, "size": len(of), "oid": SHA}
                    for name, of in files.items()
                ]
                return self._answer(entries)
            if path in (repo, f"{repo}/revision/main"):
                siblings = [{"rfilename": name} for name in files]
                return self._answer(
                    {"id": repo.partition("/")[2], "sha": SHA, "siblings": siblings}
                )
        return self._answer(
            {"error": f"no such address: {path}"}, 404, {"x-error-code": "RepoNotFound"}
        )

    def _place(self, wanted):
        action = {"href": f"{self.server.url}/blobs/{wanted['oid']}"}
        return {"oid": wanted["oid"], "size": wanted["size"], "actions": {"upload": action}}

    def _commit(self, repo, body):
        files = self.server.files[repo]
        for line in map(json.loads, body.splitlines()):
            value = line["value"]
            if line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                files[value["path"]] = self.server.blobs[value["oid"]]
            elif line["key"] == "deletedFile":
                del files[value["path"]]
        url = f"{self.server.url}/{repo}/commit/{SHA}"
        return self._answer({"success": True, "commitUrl": url, "commitOid": SHA, "hookOutput": ""})

    def _body(self):
        if self.headers.get("transfer-encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("content-length", 0)))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _answer(self, content, status=200, headers=()):
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        for header in dict(headers).items():
            self.send_header(*header)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _send(self, content):
        self.send_response(200)
        self.send_header("etag", f'"{hashlib.sha256(content).hexdigest()}"')
        self.send_header("x-repo-commit", SHA)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)


def _mode(path):
    return "lfs" if path.endswith((".safetensors", ".onnx", ".wasm")) else "regular"


def running():
    return loopback.running(Hub())
