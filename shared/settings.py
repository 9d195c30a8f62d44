"""Settings: every switch of the platform in one class, read from `LIVING_*` variables or an `.env` file."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, ValidationInfo, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

_HOST = r"(\[[0-9a-fA-F:.]+\]|[^\s:/@?#\[\]]*)(:\d{1,5})?"
_SERVER = r"([^\s:/,@]+|\[[0-9a-fA-F:.]+\]):\d{1,5}"

#: Fifty years: nothing is kept for longer, and the calendar has an end.
_DAYS = 18_250

#: What the settings that lead somewhere look like, and in words. What is there is seen only at the start.
_ADDRESSES = {
    "clock": (r"system|file:.+", "'system' or 'file:/path'"),
    "log_url": (rf"sqlite:.+|kafka://{_SERVER}(,{_SERVER})*/?", "'sqlite:FILE' or 'kafka://HOST:PORT[,HOST:PORT]'"),
    "search_url": (
        rf"sqlite:.+|https?://(.*@)?(?=[^:/?#]){_HOST}([/?#].*)?",
        "'sqlite:FILE' or 'http(s)://[USER:PASSWORD@]HOST:PORT'",
    ),
    "blobs_url": (r"file:.+|database:", "'file:FOLDER' or 'database:'"),
    "database_url": (
        rf"sqlite:///.+|postgresql\+psycopg://(.*@)?{_HOST}([/?].*)?",
        "'sqlite:///FILE' or 'postgresql+psycopg://USER[:PASSWORD]@HOST[:PORT]/DATABASE'",
    ),
}


def fault_in_address(setting: str, value: str) -> str | None:
    """Why a text is not what a setting that leads somewhere may be; None where it is."""
    pattern, wanted = _ADDRESSES[setting]
    return None if re.fullmatch(pattern, value) else f"must be {wanted}"


class Settings(BaseSettings):
    """Defaults give the embedded profile: everything in one process, on SQLite, below `data_dir`.

    `{data}` in a URL stands for `data_dir`, `{service}` for a service's name. docs/configuration.md is
    generated from this class.
    """

    model_config = SettingsConfigDict(
        env_prefix="LIVING_", env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True
    )

    # Where things are kept
    data_dir: Path = Field(Path("data"), description="Folder of all that the embedded profile keeps.")
    log_url: str = Field(
        "sqlite:{data}/log.db", description="The event log: `sqlite:FILE` or `kafka://HOST:PORT[,HOST:PORT]`."
    )
    database_url: str = Field(
        "sqlite:///{data}/{service}.db",
        description="One database per service, so it must contain `{service}`: `sqlite:///FILE` or "
        "`postgresql+psycopg://USER@HOST/NAME`.",
    )
    search_url: str = Field(
        "sqlite:{data}/search-index.db",
        description="The search index: `sqlite:FILE` or `http(s)://HOST:PORT` (Elasticsearch).",
    )
    blobs_url: str = Field(
        "file:{data}/blobs/{service}",
        description="Where a service keeps files, such as raw answers of sources: `file:FOLDER`, which must contain "
        "`{service}` and is for one machine, or `database:`, rows of the service's own database.",
    )
    topic_prefix: str = Field(
        "", description="Put before every Kafka topic and group, so that several platforms share a cluster."
    )
    search_index: str = Field("living-records", description="Name (alias) of the search index.")
    search_analyzer: str = Field(
        "english",
        description="How texts are made into words for search: `english` takes the forms of a word for one, `standard` "
        "does not. Checked at start.",
    )

    # How it runs
    host: str = Field("127.0.0.1", description="Address the HTTP server listens on.")
    port: Annotated[int, Field(ge=0, le=65535)] = Field(
        8000, description="Port of the HTTP server; 0 picks a free one."
    )
    clock: str = Field(
        "system",
        description="`system`, or `file:PATH`: the instant written in a file, of the years 1900 to 2999 (demos and "
        "drills).",
    )
    upgrade_at_start: bool = Field(True, description="Bring each service's database to the newest schema at start.")
    scheduler: bool = Field(True, description="Run the scheduled jobs in this process.")
    scheduler_tick: Annotated[float, Field(gt=0)] | None = Field(
        None,
        description="Seconds between two runs of every job, instead of each job's own interval (demos and tests).",
    )
    batch_size: Annotated[int, Field(ge=1, le=5000)] = Field(
        500, description="Events a consumer or relay takes at a time."
    )
    dead_letter_limit: Annotated[int, Field(ge=1)] = Field(
        100,
        description="With this many dead letters of a partition waiting, a service halts in that partition instead "
        "of draining it into that drawer.",
    )
    parked_limit: Annotated[int, Field(ge=1)] = Field(
        10_000,
        description="Events of a partition that are parked behind held keys at most; above, the partition waits.",
    )
    retry_seconds: Annotated[float, Field(gt=0)] = Field(
        0.5, description="First pause before an event that failed is tried again; doubles up to a minute."
    )

    # What is forgotten. The log and each service's journal never are: they are the audit trail of a review, and what
    # every rebuild reads.
    command_days: Annotated[int, Field(ge=1, le=_DAYS)] = Field(
        30, description="Days an answered command is kept: for so long a retried request is answered, not done again."
    )
    inbox_days: Annotated[int, Field(ge=7, le=_DAYS)] = Field(
        90,
        description="Days a service remembers an event at least, so that a second delivery changes nothing; longer "
        "than any delivery may be late, such as after the log came back from a copy. What it has not stored as done on "
        "the log is remembered however old.",
    )
    lease_days: Annotated[int, Field(ge=1, le=_DAYS)] = Field(
        90, description="Days an ended lease is kept: for so long its holder is told what became of it."
    )
    stream_days: Annotated[int, Field(ge=1, le=_DAYS)] = Field(
        14,
        description="Days for which it is kept what became of conflicts: whoever follows a review and was away for so "
        "long misses nothing.",
    )
    delivery_days: Annotated[int, Field(ge=4, le=_DAYS)] = Field(
        365, description="Days a delivery that is over is kept, with its attempts; notifications and the feed stay."
    )
    sign_in_days: Annotated[int, Field(ge=1, le=_DAYS)] = Field(
        1,
        description="Days that failures to sign in are kept; nobody has to wait for longer than a quarter of an hour.",
    )
    trigger_days: Annotated[int, Field(ge=1, le=_DAYS)] = Field(
        730, description="Days a rule that fired in an earlier cycle is kept; what it led to is in the revision."
    )
    run_item_days: Annotated[int, Field(ge=1, le=_DAYS)] = Field(
        90,
        description="Days it is kept where each item of a finished run went; the run keeps its counts, and each "
        "record its sources.",
    )
    raw_answer_days: Annotated[int, Field(ge=0, le=_DAYS)] = Field(
        365,
        description="Days the raw answers of sources are kept, with the runs they came in; 0 keeps none. They may be "
        "licensed: a lead alone may read them.",
    )
    export_days: Annotated[int, Field(ge=1, le=_DAYS)] = Field(
        7, description="Days the files of records that people asked for are kept to be fetched."
    )
    preview_days: Annotated[int, Field(ge=1, le=_DAYS)] = Field(
        1, description="Days it is kept what sources said ahead that the strategies of a draft would bring."
    )
    parse_days: Annotated[int, Field(ge=1, le=_DAYS)] = Field(
        90, description="Days what an earlier parser made of a copy is kept where no quote stands in it any more."
    )
    quota_days: Annotated[int, Field(ge=1, le=_DAYS)] = Field(
        400, description="Days it is kept how much each source was asked on a day, and what it said of the budget."
    )
    max_body_bytes: Annotated[int, Field(ge=1024)] = Field(
        1_000_000, description="Largest request body accepted, in bytes, where a route has no limit of its own."
    )
    requests_at_once: Annotated[int, Field(ge=1, le=200)] = Field(
        8,
        description="Requests that a service works on at once, each with a database connection of its own; "
        "on SQLite so many read, and writers go one after another. PostgreSQL needs room for so many and 23 more for "
        "each process of a service, 27 where it keeps blobs (`max_connections`).",
    )
    requests_waiting: Annotated[int, Field(ge=1)] = Field(
        512, description="Requests that wait for their turn at a service; the rest are told to come again (503)."
    )
    request_patience: Annotated[float, Field(gt=0)] = Field(
        20, description="Seconds that a request waits for its turn before it is told to come again."
    )
    connections: Annotated[int, Field(ge=8)] = Field(
        2000,
        description="Connections that a process keeps open at once; above that the one that has been idle longest "
        "is closed, and a new one is refused when none is idle. The system's limit of open files may lower it.",
    )
    head_timeout: Annotated[float, Field(gt=0)] = Field(
        10, description="Seconds in which a request's head must be there, from its connection or its first byte on."
    )
    body_timeout: Annotated[float, Field(gt=0)] = Field(
        30, description="Seconds in which a request's body must be there, and in which an answer must be taken."
    )
    idle_timeout: Annotated[float, Field(gt=0)] = Field(
        75, description="Seconds that a connection without a request is kept open; longer than a proxy's own."
    )
    stop_timeout: Annotated[float, Field(gt=0)] = Field(
        10, description="Seconds that requests which are being worked on have when the process is stopped."
    )
    log_format: Literal["auto", "human", "json"] = Field(
        "auto", description="How logs are written: `auto` is human on a terminal and JSON elsewhere."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least level that is logged.")

    # Who may do what
    signing_key: Path = Field(
        Path("{data}/signing-key.pem"),
        description="Key ring that signs tokens and revisions, or one Ed25519 key (PEM) for both; made at first start "
        "of the embedded profile.",
    )
    people_url: str | None = Field(
        None,
        description="Where `people` answers, for a process without it: with a key as the password (Basic) it exchanges "
        "the key there, as for feed readers.",
    )
    make_signing_key: bool = Field(True, description="Make the key ring when it is not there.")

    # How the command line and the client reach the platform
    url: str = Field(
        "http://127.0.0.1:8000",
        description="Where the platform answers: one address, or `service=address` pairs with commas between. Also "
        "where pages ask that are served alone.",
    )
    key: SecretStr | None = Field(
        None,
        description="Your key, for the command line; without one that which `living login` keeps. Without either it "
        "makes itself a token, where it can read the platform's own keys, to read with, and for what the machine's "
        "owner does; never to vote, decide or sign.",
    )

    keys_file: Path | None = Field(
        None,
        description="Where `living login` keeps your keys; without it `living/keys.json` in the folder of your "
        "settings (`XDG_CONFIG_HOME`, or `~/.config`).",
    )
    screen_keys: Path | None = Field(
        None,
        description="Where your own keys of `living screen` are, in TOML; without it `living/screen.toml` in the "
        "folder of your settings.",
    )

    # Screening
    lease_minutes: Annotated[float, Field(gt=0, le=525_600)] = Field(
        60, description="How long a claimed task is kept for its reviewer."
    )

    # Synthesis
    extraction_lease_hours: Annotated[float, Field(gt=0, le=8760)] = Field(
        72, description="How long a report is kept for whoever codes it; each piece of evidence keeps it anew."
    )

    # Bibliographic sources
    contact: str = Field("", description="E-mail address told to the sources, as their terms ask.")
    openalex_url: str = Field("https://api.openalex.org", description="Base address of OpenAlex.")
    openalex_key: SecretStr | None = Field(None, description="OpenAlex API key.")
    crossref_url: str = Field("https://api.crossref.org", description="Base address of Crossref.")
    pubmed_url: str = Field(
        "https://eutils.ncbi.nlm.nih.gov/entrez/eutils", description="Base address of the E-utilities."
    )
    pubmed_key: SecretStr | None = Field(None, description="NCBI API key.")
    europepmc_url: str = Field(
        "https://www.ebi.ac.uk/europepmc/webservices/rest", description="Base address of Europe PMC."
    )
    doaj_url: str = Field("https://doaj.org/api/v4", description="Base address of DOAJ.")
    arxiv_url: str = Field("https://export.arxiv.org/api", description="Base address of arXiv.")
    semanticscholar_url: str = Field(
        "https://api.semanticscholar.org/graph/v1", description="Base address of Semantic Scholar."
    )
    semanticscholar_key: SecretStr | None = Field(
        None, description="Semantic Scholar API key; without one most requests are turned away."
    )
    unpaywall_url: str = Field(
        "https://api.unpaywall.org/v2", description="Base address of Unpaywall, which is asked once a contact is set."
    )
    open_copy_days: Annotated[int, Field(ge=1, le=_DAYS)] = Field(
        90, description="Days after which it is asked again where the text of a report is open."
    )
    fetch_texts: bool = Field(
        True, description="Fetch copies of reports' texts from where they are open, once a contact is set."
    )
    text_bytes: Annotated[int, Field(ge=1024, le=256 * 1024 * 1024)] = Field(
        64 * 1024 * 1024, description="Largest copy of a text that is fetched, in bytes, unpacked."
    )
    text_timeout: Annotated[float, Field(gt=0)] = Field(
        300, description="Seconds in which a copy of a text must be fetched, however many redirects lead there."
    )
    text_private: bool = Field(
        False,
        description="Fetch texts from loopback and private addresses too, and without TLS (demos and tests only).",
    )
    source_timeout: Annotated[float, Field(gt=0)] = Field(30, description="Seconds to wait for one answer of a source.")

    # Notifications
    webhook_private: bool = Field(
        False, description="Allow webhooks to loopback and private addresses (demos and tests only)."
    )
    webhook_timeout: Annotated[float, Field(gt=0)] = Field(10, description="Seconds to wait for a webhook's receiver.")
    smtp_host: str | None = Field(
        None, description="The mail server that takes notifications by e-mail. None is sent where there is none."
    )
    smtp_port: Annotated[int, Field(ge=1, le=65535)] = Field(587, description="The port of the mail server.")
    smtp_security: Literal["starttls", "tls", "none"] = Field(
        "starttls",
        description="How the line to the mail server is kept secret: `starttls`, `tls` from its beginning, or `none`, "
        "for a server on this machine.",
    )
    smtp_user: str | None = Field(None, description="Who signs in to the mail server; nobody where there is none.")
    smtp_password_file: Path | None = Field(None, description="The file that holds the password of that user.")
    smtp_timeout: Annotated[float, Field(gt=0)] = Field(30, description="Seconds that handing over one mail may take.")
    mail_from: str | None = Field(None, description="The e-mail address from which notifications come.")

    # DOIs of revisions
    doi_url: str = Field(
        "https://zenodo.org/api",
        description="Base address of the archive that gives DOIs (InvenioRDM): `https://`, or `http://` on this "
        "machine. Another address is another archive, to which every revision is new.",
    )
    doi_token: SecretStr | None = Field(
        None,
        description="The token of an account there that may write and publish deposits, where reviews are named.",
    )
    doi_reviews: str = Field(
        "",
        description="The reviews whose revisions get a DOI, with commas between; none where it is empty. What is "
        "deposited is open to everybody for good: the package of the revision, with all its evidence.",
    )
    doi_licence: str = Field(
        "cc-by-4.0", description="The licence under which revisions are deposited, by its id there."
    )
    doi_timeout: Annotated[float, Field(gt=0)] = Field(
        60, description="Seconds to wait for one answer of the archive, and for a package to be sent."
    )

    # Who proposes codings
    proposer_url: str | None = Field(
        None,
        description="Base address of a server that answers OpenAI's chat interface, such as `https://host/v1`, for "
        "proposals of codings: `https://`, or `http://` on this machine. Paragraphs of open copies are sent there once "
        "a lead has it evaluated, those of closed ones never. None is asked where it or the model is not set.",
    )
    proposer_model: Annotated[str, Field(min_length=1, max_length=150)] | None = Field(
        None, description="The model that is asked there; another one is to be evaluated anew."
    )
    proposer_key: SecretStr | None = Field(None, description="The key for that server, where it wants one.")
    proposer_key_file: Path | None = Field(None, description="The file that holds it, in place of the key itself.")
    proposer_timeout: Annotated[float, Field(gt=0, le=600)] = Field(
        60, description="Seconds to wait for one answer of that server."
    )

    # Where people reach the platform
    public_url: str = Field(
        "http://127.0.0.1:8000",
        description="The address under which people reach the platform; used in links. When it is not set, `living "
        "serve` of all services links to where it listens.",
    )

    @model_validator(mode="after")
    def _mail_has_a_sender(self) -> Settings:
        if self.smtp_host is not None and self.mail_from is None:
            raise ValueError(
                "LIVING_MAIL_FROM must name the address from which mail comes, where there is a mail server"
            )
        if self.smtp_user is not None and self.smtp_password_file is None:
            raise ValueError("LIVING_SMTP_PASSWORD_FILE must name the file with the password of LIVING_SMTP_USER")
        return self

    @model_validator(mode="after")
    def _dois_have_a_token(self) -> Settings:
        if self.reviews_with_doi and self.doi_token is None:
            raise ValueError(
                "LIVING_DOI_TOKEN must hold the token of an account at the archive, where LIVING_DOI_REVIEWS names any"
            )
        return self

    @field_validator("doi_url", "proposer_url")
    @classmethod
    def _where_a_token_may_go(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(
            r"https://[^\s?#@]+|http://(127\.0\.0\.1|localhost|\[::1\])(:\d{1,5})?(/[^\s?#@]*)?", value
        ):
            raise ValueError("must begin with https://, or lead to this machine by http://")
        return value

    @field_validator("doi_token", "proposer_key")
    @classmethod
    def _a_token_that_can_be_sent(cls, value: SecretStr | None) -> SecretStr | None:
        if value is None or not value.get_secret_value():
            return None  # As the compose file passes one that `.env` does not set.
        if not re.fullmatch(r"[!-~]{1,500}", value.get_secret_value()):
            raise ValueError("must be a token: 1 to 500 letters, digits and signs, without blanks")
        return value

    @field_validator("database_url")
    @classmethod
    def _one_database_per_service(cls, value: str) -> str:
        if "{service}" not in value:
            raise ValueError("LIVING_DATABASE_URL must contain {service}: each service has a database of its own")
        return value

    @field_validator("blobs_url")
    @classmethod
    def _one_folder_per_service(cls, value: str) -> str:
        if value.startswith("file:") and "{service}" not in value:
            raise ValueError("LIVING_BLOBS_URL must contain {service}: each service has a folder of its own")
        return value

    @field_validator(*_ADDRESSES)
    @classmethod
    def _an_address_we_know(cls, value: str, info: ValidationInfo) -> str:
        fault = fault_in_address(info.field_name or "", value)
        if fault is not None:
            raise ValueError(fault)
        return value

    def resolved(self, text: str | Path, service: str = "") -> str:
        """Fills `{data}` and `{service}` in a URL or path."""
        return str(text).replace("{data}", str(self.data_dir)).replace("{service}", service)

    @property
    def reviews_with_doi(self) -> list[str]:
        """The reviews whose revisions get a DOI."""
        return [name for one in self.doi_reviews.split(",") if (name := one.strip())]

    @property
    def embedded(self) -> bool:
        """Whether the log is this machine's own file."""
        return self.log_url.startswith("sqlite:")
