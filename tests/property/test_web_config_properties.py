"""Whatever stands in a web configuration: it loads, or all mistakes are told. Nothing else, and never a hash."""

import tempfile
from pathlib import Path

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.config.errors import ConfigError
from exporter.config.web import (
    CIPHER_SUITES,
    CLIENT_AUTH_TYPES,
    VERSIONS,
    TlsServerConfig,
    WebConfigFile,
    load_web_config,
)

HASH = "$2b$04$pN3Jsy5sXEekXtLsACVbvu7QIB.2ggM4mHMUfvDH7yTUqvl9ar8R."
WORDS = [
    *(*WebConfigFile.model_fields, *WebConfigFile.unsupported, *TlsServerConfig.model_fields),
    *(*TlsServerConfig.unsupported, *CLIENT_AUTH_TYPES, *VERSIONS, *CIPHER_SUITES),
    *(HASH, "prometheus", "web.yaml", "..", "", "a:b", "[key]"),
]
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(WORDS) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=5),
    max_leaves=15,
)


def load_or_tell(content: bytes) -> str:
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "web.yaml"
        file.write_bytes(content)
        try:
            return repr(load_web_config(str(file)))
        except ConfigError as error:
            told = error
    assert told.errors
    assert len(str(told).splitlines()) == len(told.errors)
    return str(told)


@given(st.binary(max_size=200))
def test_any_bytes_end_in_a_web_configuration_or_in_errors(content: bytes) -> None:
    load_or_tell(content)


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "tls_server_config": st.dictionaries(st.sampled_from(list(TlsServerConfig.model_fields)), values) | values,
            "basic_auth_users": st.dictionaries(st.sampled_from(WORDS).filter(lambda name: name != HASH), values),
            "http_server_config": values,
        },
    )
    | values
)
@settings(max_examples=200)
def test_any_values_end_in_a_web_configuration_or_in_errors_and_no_hash_is_shown(value: object) -> None:
    assert HASH not in load_or_tell(yaml.safe_dump(value).encode("utf-8", errors="surrogatepass"))
