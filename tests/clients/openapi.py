"""The description of the API as other people's tools read it.

The document of a running sandbox is validated, its examples are held against their schemas, a Python client is generated and imported,
and requests that a schema allows are sent: the sandbox may refuse them for the state that it is in, not for the form of a field.

usage: openapi.py MOCKAA FOLDER     writes openapi.json and the client below FOLDER
"""

import importlib
import json
import pathlib
import pkgutil
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request

from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

MOCKAA, FOLDER = sys.argv[1], pathlib.Path(sys.argv[2])

# Media types that the generator does not know, each with one that it treats alike.
MEDIA_TYPES = {
    "application/pdf": "application/octet-stream",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "application/octet-stream",
    "application/yaml": "application/json",
    "text/css": "text/html",
    "text/javascript": "text/html",
}

# The rules of a persona file go beyond its schema; `mockaa` reports them with line and column.
PERSONA_CALLS = {"putPersona"}

# Calls that change the whole world, or wait.
NOT_VARIED = {"advanceClock", "setClock", "freezeClock", *PERSONA_CALLS}

# A date-time that the sandbox accepts as the time of a message: its clock is frozen at 06:00.
NEAR_THE_CLOCK = "2020-07-04T06:05:00Z"

# Refusals for what the sandbox contains, not for the form of a field.
STATE_REFUSALS = [
    "no consent has", "is not a consent of", "no data session has", "no pending link", "is not registered", "but ACME-FIP is", "but FIP-1 is",
    "is not the notifier", "differs from the id in the path", "is already used", "unknown scenario", "is not an AA of this sandbox",
    "is not a consent template", "is before", "is not after", "is unknown", "no link request", "no account", "is not known", "is in the past",
    "refresh token", "no FIP has the id", "in the text but", "unknown persona", "sessionStatus is COMPLETED while",
    "is in the future", "has nothing to change", "are both given; send one of them",
]

# Rules of the Unaport page that its field tables do not state: a purpose's refUri, DataLife by unit and mode, a Frequency of at least 1.
UNAPORT_RULES = ["Purpose", "DataLife.value", "Frequency.value", "FIDataRange", "Identifiers"]


class Sandbox:
    def __init__(self):
        arguments = [MOCKAA, "serve", "--port", "0", "--seed", "42", "--clock", "2020-07-04T06:00:00Z,frozen", "--security", "open"]
        self.process = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.base = json.loads(self.process.stdout.readline())["base_url"]

    def send(self, method, path, body=None, headers=None):
        data = None if body is None else json.dumps(body).encode()
        headers = {"content-type": "application/json", **(headers or {})}
        request = urllib.request.Request(self.base + path, method=method, data=data, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def log_in(self):
        credentials = {"emailId": "dev@lender.example", "password": "any-password"}
        _, text = self.send("POST", "/api/v1/public/user/login", credentials)
        return {"authorization": "Bearer " + json.loads(text)["access_token"]}


class Document:
    def __init__(self, text):
        self.root = json.loads(text)

    def operations(self):
        for path, item in self.root["paths"].items():
            for method, operation in item.items():
                yield path, method.upper(), operation

    def resolve(self, schema):
        while "$ref" in schema:
            node = self.root
            for part in schema["$ref"][2:].split("/"):
                node = node[part]
            schema = node
        return schema

    def validator(self, schema):
        checker = Draft202012Validator.FORMAT_CHECKER
        return Draft202012Validator({**schema, "components": self.root["components"]}, format_checker=checker)

    def check_examples(self):
        bodies = [
            (operation["operationId"], media)
            for _, _, operation in self.operations()
            for content in [operation.get("requestBody", {}).get("content", {})]
            + [response.get("content", {}) for response in operation["responses"].values()]
            for media_type, media in content.items()
            if media_type == "application/json" and "example" in media
        ]
        bodies += [
            (name, item["post"]["requestBody"]["content"]["application/json"]) for name, item in self.root["webhooks"].items()
        ]
        for name, media in bodies:
            for error in self.validator(media["schema"]).iter_errors(media["example"]):
                sys.exit(f"example of {name}: {error.message} at {list(error.absolute_path)}")
        return len(bodies)

    def values(self, schema):
        """Values that a schema allows, at the ends of its ranges."""
        schema = self.resolve(schema)
        for choice in schema.get("anyOf", []):
            yield from self.values(choice)
        if "enum" in schema:
            yield from schema["enum"]
            return
        kinds = schema.get("type", [])
        kinds = kinds if isinstance(kinds, list) else [kinds]
        if "null" in kinds:
            yield None
        if "string" in kinds:
            yield from ["", "x", "y" * schema.get("minLength", 1), "y" * schema.get("maxLength", 10), "9876500001", "x@mockaa", "2.50", "5s"]
            yield from ["11111111-1111-4111-8111-111111111111", NEAR_THE_CLOCK, "https://x.example/a"]
        if "integer" in kinds:
            yield from [schema.get("minimum", 0), schema.get("maximum", 7)]
        if "boolean" in kinds:
            yield from [True, False]

    def variants(self, schema, value):
        """Copies of a value with one part changed."""
        schema = self.resolve(schema)
        for choice in schema.get("anyOf", []):
            yield from self.variants(choice, value)
        if isinstance(value, dict):
            for name, field in schema.get("properties", {}).items():
                if name in value:
                    yield {key: kept for key, kept in value.items() if key != name}
                    yield from ({**value, name: changed} for changed in self.variants(field, value[name]))
                else:
                    yield from ({**value, name: added} for added in self.values(field))
        elif isinstance(value, list):
            yield []
            if value and "items" in schema:
                yield from ([changed] + value[1:] for changed in self.variants(schema["items"], value[0]))
        else:
            yield from self.values(schema)


def send_variants(sandbox, document):
    """Sends what the schemas allow; returns the number of requests and the refusals for the form of a field."""
    token, sent, refused = sandbox.log_in(), 0, []
    for path, method, operation in document.operations():
        media = operation.get("requestBody", {}).get("content", {}).get("application/json")
        if media is None or operation["operationId"] in NOT_VARIED:
            continue
        for parameter in operation["parameters"]:
            if parameter.get("in") == "path":
                value = urllib.parse.quote(str(parameter["example"]))
                path = path.replace("{" + parameter["name"] + "}", value)
        is_unaport = operation["tags"] == ["Unaport FIU API"] and operation["security"]
        validator = document.validator(media["schema"])
        for body in [media["example"], *document.variants(media["schema"], media["example"])]:
            if not validator.is_valid(body):
                continue
            status, text = sandbox.send(method, path, body, token if is_unaport else {})
            sent += 1
            rules = STATE_REFUSALS + (UNAPORT_RULES if is_unaport else [])
            if status >= 500 or status == 400 and not any(rule in text for rule in rules):
                refused.append(f"{operation['operationId']}: {status} {text[:300]}\n    {json.dumps(body)[:600]}")
    return sent, refused


def generate_client(file):
    settings = FOLDER / "client-settings.json"
    settings.write_text(json.dumps({"content_type_overrides": MEDIA_TYPES}))
    target = FOLDER / "client"
    arguments = ["generate", "--path", file, "--config", settings, "--output-path", target, "--overwrite"]
    tool = pathlib.Path(sys.executable).parent / "openapi-python-client"
    made = subprocess.run([tool, *arguments], capture_output=True, text=True, check=True)
    if "WARNING parsing" in made.stdout or "Unable to parse" in made.stdout:
        sys.exit(made.stdout)
    sys.path.insert(0, str(target))
    package = importlib.import_module("mockaa_client")
    modules = [module.name for module in pkgutil.walk_packages(package.__path__, "mockaa_client.")]
    for module in modules:
        importlib.import_module(module)
    return len(modules)


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    sandbox = Sandbox()
    try:
        _, text = sandbox.send("GET", "/openapi.json")
        file = FOLDER / "openapi.json"
        file.write_text(text)
        document = Document(text)
        validate(document.root)
        print(f"{sum(1 for _ in document.operations())} operations, {document.check_examples()} examples")
        print(f"{generate_client(file)} modules of a generated client")
        sent, refused = send_variants(sandbox, document)
        if refused:
            sys.exit(f"{len(refused)} of {sent} requests that the schemas allow are refused:\n" + "\n".join(refused))
        print(f"{sent} requests that the schemas allow")
    finally:
        sandbox.process.kill()


main()
