"""
The JSON Schema of the configuration file, for editors, pipelines and the Helm chart.

Built from the models of `schema.py`. It is never stricter than the loader, and knows less: `check` has the last word.
"""

from itertools import combinations
from typing import Any

import yaml
from pydantic.json_schema import GenerateJsonSchema

from exporter.config.rules import KEY_KINDS
from exporter.config.schema import EXTENSION, ConfigFile


class _Generator(GenerateJsonSchema):
    """Leaves out the defaults, which are in the loader's units, and titles that only repeat the name."""

    def default_schema(self, schema: Any) -> Any:
        return self.generate_inner(schema["schema"])

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - as pydantic calls it
        return False


def config_schema() -> dict[str, Any]:
    """Return the schema of the whole file; each block is in `$defs`."""
    schema = ConfigFile.model_json_schema(schema_generator=_Generator)
    for block in (schema, *schema["$defs"].values()):
        block.pop("title")
        block.pop("description", None)
        block["patternProperties"] = {f"^{EXTENSION}": {}}
        for key in block["properties"].values():
            examples = key.pop("examples", [])
            if examples and not key.get("writeOnly"):  # a secret has none
                key["examples"] = [yaml.safe_load(example) for example in examples]
    schema["$defs"]["Integration"]["properties"]["labels"]["additionalProperties"] = False
    workspace = schema["$defs"]["Workspace"]
    workspace["oneOf"] = [{"required": ["rest_endpoint"]}, {"required": ["instance"]}]
    workspace["not"] = {"anyOf": [{"required": list(pair)} for pair in combinations(KEY_KINDS, 2)]}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Configuration of braze-cdi-exporter",
        **schema,
    }
