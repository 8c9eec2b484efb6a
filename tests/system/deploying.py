#!/usr/bin/env python3
"""What brings the layer to Lambda: `make publish` with an AWS CLI that only takes notes, the image, the
template, the snippets of layer/README.md. Linters: `.ci/install deploy`.
"""

import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest
import zipfile

import rie
import sandbox

LAYER = sandbox.ROOT / "layer"
TOOLS = sandbox.BUILD / "deploy/bin"
README = (LAYER / "README.md").read_text()
ARCHITECTURES = ["x86_64", "arm64"]
# Takes notes of its arguments, a line a call, and answers as the CLI does.
FAKE_AWS = """#!/bin/sh
for argument; do printf '%s\\t' "$argument"; done >>"$NOTES"
echo >>"$NOTES"
case "$*" in *"${AWS_FAILS:-nothing}"*) exit 254 ;; esac
echo "arn:aws:lambda:eu-central-1:123456789012:layer:thaw:7"
"""
# What SAM does to a template; without it cfn-lint sees little.
TRANSFORM = """
import json, sys
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import yaml_parse
json.dump(Translator({}, Parser()).translate(yaml_parse(sys.stdin.read()), {}), sys.stdout)
"""


def snippets(language):
    """Code of the README in one language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)


class Folder(unittest.TestCase):
    """A folder of its own."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="thaw-deploying-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)


class Publish(Folder):
    """make publish REGION=…"""

    def setUp(self):
        super().setUp()
        (self.folder / "layer").mkdir()
        (self.folder / "build/layer").mkdir(parents=True)
        for file in "layer/publish", "Makefile", "CMakeLists.txt":
            shutil.copy(sandbox.ROOT / file, self.folder / file)
        for architecture in ARCHITECTURES:
            self.zip(architecture).write_text(architecture)
            self.zip(architecture).with_suffix(".cdx.json").write_text(
                json.dumps({"component": {"bom-ref": "thaw", "name": "thaw", "version": "9.8.7"}}, indent=2))
        subprocess.run("sha256sum -- * >../SHA256SUMS && mv ../SHA256SUMS .", shell=True, check=True,
                       cwd=self.folder / "build/layer")
        (self.folder / "bin").mkdir()
        aws = self.folder / "bin/aws"
        aws.write_text(FAKE_AWS)
        aws.chmod(0o755)

    def zip(self, architecture):
        """As make layer leaves it."""
        return self.folder / f"build/layer/thaw-{architecture}.zip"

    def publish(self, *words, path=None, **env):
        """Runs make publish."""
        path = path or f"{self.folder / 'bin'}:{os.environ['PATH']}"
        return subprocess.run(["make", "-s", "publish", *words], cwd=self.folder, capture_output=True, text=True,
                              check=False, env={"PATH": path, "NOTES": str(self.folder / "notes"), **env})

    def calls(self):
        """What the AWS CLI was asked to do: arguments."""
        notes = self.folder / "notes"
        return [line.split("\t")[:-1] for line in notes.read_text().splitlines()] if notes.exists() else []

    def refused(self, done, sentence):
        """With one sentence, and before anything is published."""
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(sentence, done.stderr)
        self.assertEqual((done.stdout, self.calls()), ("", []))

    def test_it_prints_what_it_would_do(self):
        for words in [], ["YES=0"], ["PUBLIC=0"]:
            done = self.publish("REGION=eu-central-1", *words)
            self.assertEqual((done.returncode, done.stderr, self.calls()), (0, "", []))
            self.assertEqual(done.stdout.count("aws lambda publish-layer-version"), 2)
            self.assertEqual(done.stdout.count("add-layer-version-permission"), 0)
            self.assertIn("YES=1", done.stdout)

    def test_yes_publishes_both_architectures(self):
        done = self.publish("REGION=eu-central-1", "YES=1")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(done.stdout.splitlines(), ["arn:aws:lambda:eu-central-1:123456789012:layer:thaw:7"] * 2)
        self.assertEqual(len(self.calls()), 2)
        for call, architecture in zip(self.calls(), ARCHITECTURES):
            self.assertEqual(call[:2], ["lambda", "publish-layer-version"])
            self.assertEqual(option(call, "--region"), ["eu-central-1"])
            self.assertEqual(option(call, "--layer-name"), [f"thaw-{architecture}"])
            self.assertEqual(option(call, "--zip-file"), [f"fileb://build/layer/thaw-{architecture}.zip"])
            self.assertEqual(option(call, "--compatible-architectures"), [architecture])
            runtimes = option(call, "--compatible-runtimes")
            self.assertIn("python3.13", runtimes)
            self.assertLessEqual(len(runtimes), 15, "all that a version may list")
            (description,) = option(call, "--description")
            self.assertRegex(description, rf"^Thaw 9\.8\.7, {architecture}:")
            self.assertLessEqual(len(description), 256)
            self.assertEqual(len(option(call, "--license-info")), 1)

    def test_public(self):
        self.publish("REGION=eu-central-1", "YES=1", "PUBLIC=1")
        self.assertEqual([call[1] for call in self.calls()],
                         ["publish-layer-version", "add-layer-version-permission"] * 2)
        for call, architecture in zip(self.calls()[1::2], ARCHITECTURES):
            self.assertEqual(option(call, "--layer-name"), [f"thaw-{architecture}"])
            self.assertEqual(option(call, "--version-number"), ["7"])
            self.assertEqual(option(call, "--principal"), ["*"])
            self.assertEqual(option(call, "--action"), ["lambda:GetLayerVersion"])

    def test_what_is_printed_can_be_pasted(self):
        for words in [], ["PUBLIC=1"]:
            printed = self.publish("REGION=us-gov-west-1", *words).stdout
            pasted = subprocess.run(["sh", "-e"], input=printed, cwd=self.folder, capture_output=True, text=True,
                                    check=True, env={"PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}",
                                         "NOTES": str(self.folder / "notes")})
            by_hand = self.calls()
            (self.folder / "notes").unlink()
            by_itself = self.publish("REGION=us-gov-west-1", "YES=1", *words)
            self.assertEqual((by_hand, pasted.stdout), (self.calls(), by_itself.stdout))
            (self.folder / "notes").unlink()

    def test_without_a_region(self):
        for words in [], ["REGION="], ["REGION=Frankfurt"], ["REGION=eu-central-1; id"]:
            self.refused(self.publish(*words, "YES=1"), "which region?")

    def test_more_than_one_region(self):
        done = subprocess.run(["layer/publish", "--yes", "eu-central-1", "us-east-1"], cwd=self.folder,
                              capture_output=True, text=True, check=False,
                              env={"PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}", "NOTES": str(self.folder / "notes")})
        self.refused(done, "one region a call")

    def test_a_zip_that_was_not_written_to_its_end(self):
        self.zip("arm64").write_text("arm")
        for words in [], ["YES=1"]:
            self.refused(self.publish("REGION=eu-central-1", *words), "not what make layer leaves there")

    def test_a_make_layer_that_did_not_come_to_its_end(self):
        (self.folder / "build/layer/SHA256SUMS").unlink()
        self.refused(self.publish("REGION=eu-central-1", "YES=1"), "not what make layer leaves there")

    def test_a_folder_of_the_same_name_in_cdpath(self):
        (self.folder / "elsewhere/layer").mkdir(parents=True)
        done = self.publish("REGION=eu-central-1", CDPATH=str(self.folder / "elsewhere"))
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_without_a_zip(self):
        self.zip("arm64").unlink()
        for words in [], ["YES=1"]:
            self.refused(self.publish("REGION=eu-central-1", *words), "thaw-arm64.zip is missing: make layer")

    def test_without_the_cli(self):
        (self.folder / "bin/aws").unlink()
        for tool in "bash", "sed", "make", "dirname", "sha256sum":
            (self.folder / "bin" / tool).symlink_to(shutil.which(tool))
        only = str(self.folder / "bin")
        self.refused(self.publish("REGION=eu-central-1", "YES=1", path=only), "the AWS CLI (aws) is not installed")

    def test_the_first_call_that_fails_ends_it(self):
        done = self.publish("REGION=eu-central-1", "YES=1", AWS_FAILS="publish-layer-version")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("thaw-x86_64 is not published in eu-central-1", done.stderr)
        self.assertEqual((len(self.calls()), done.stdout), (1, ""))

    def test_what_is_published_before_a_call_that_fails_is_said(self):
        arn = "arn:aws:lambda:eu-central-1:123456789012:layer:thaw:7\n"
        done = self.publish("REGION=eu-central-1", "YES=1", AWS_FAILS="thaw-arm64")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("thaw-arm64 is not published in eu-central-1", done.stderr)
        self.assertEqual((len(self.calls()), done.stdout), (2, arn))

    def test_a_version_that_nobody_may_use_is_said_with_the_call_that_is_left(self):
        done = self.publish("REGION=eu-central-1", "YES=1", "PUBLIC=1", AWS_FAILS="add-layer-version-permission")
        self.assertNotEqual(done.returncode, 0)
        self.assertEqual(done.stdout, "arn:aws:lambda:eu-central-1:123456789012:layer:thaw:7\n")
        left = re.search(r"once more: (.*)", done.stderr)[1]
        failed = self.calls()[-1]
        subprocess.run(["sh", "-ec", left], check=True, stdout=subprocess.DEVNULL,
                       env={"PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}", "NOTES": str(self.folder / "notes")})
        self.assertEqual(self.calls()[-1], failed)


def option(call, name):
    """The values behind an option."""
    rest = call[call.index(name) + 1:]
    end = next((at for at, word in enumerate(rest) if word.startswith("--")), len(rest))
    return rest[:end]


@unittest.skipUnless(TOOLS.exists(), "build/deploy is missing: .ci/install deploy")
class Template(Folder):
    """layer/template.yaml"""

    def lint(self, text):
        """What cfn-lint finds in that which Lambda's own transformation makes of the template."""
        # Local paths are for the packager, who puts places like this there.
        text = re.sub(r"((?:Code|Content)Uri): .*", r"\1: s3://bucket/key", text)
        transformed = self.folder / "template.json"
        with transformed.open("w") as file:
            subprocess.run([TOOLS / "python", "-c", TRANSFORM], input=text, stdout=file, text=True, check=True,
                           env={"AWS_DEFAULT_REGION": "eu-central-1"})
        done = subprocess.run([TOOLS / "cfn-lint", "--format", "json", transformed], capture_output=True, text=True,
                              check=False)
        return [f"{found['Rule']['Id']} {found['Message']}" for found in json.loads(done.stdout or "[]")]

    def test_cfn_lint(self):
        self.assertEqual(self.lint((LAYER / "template.yaml").read_text()), [])

    def test_cfn_lint_would_find_a_mistake(self):
        text = (LAYER / "template.yaml").read_text()
        for right, wrong in ("python3.13", "python3.99"), ("!Ref SentryDsn", "!Ref SentryDns"):
            self.assertNotEqual(self.lint(text.replace(right, wrong)), [])

    def test_runtimes_that_lambda_has(self):
        text = (LAYER / "publish").read_text()
        runtimes = re.search(r"runtimes=\((.*?)\)", text, re.DOTALL).group(1).split()
        template = (LAYER / "template.yaml").read_text()
        lists = f"CompatibleRuntimes: [{', '.join(runtimes)}]\n      CompatibleArchitectures"
        self.assertEqual(self.lint(template.replace("CompatibleArchitectures", lists)), [])


@unittest.skipUnless(TOOLS.exists(), "build/deploy is missing: .ci/install deploy")
class Snippets(unittest.TestCase):
    """layer/README.md, and the image"""

    def hadolint(self, text):
        """What it finds."""
        return subprocess.run([TOOLS / "hadolint", "-"], input=text, capture_output=True, text=True, check=False).stdout

    def test_the_image(self):
        self.assertEqual(self.hadolint((LAYER / "Dockerfile").read_text()), "")

    def test_the_lines_for_images(self):
        found = snippets("dockerfile")
        self.assertGreaterEqual(len(found), 2)
        for text in found:
            self.assertEqual(self.hadolint(text), "")

    def test_yaml_and_hcl_parse(self):
        parse = ("import sys, yaml; print(yaml.safe_load(sys.stdin)['functions'])",
                 "import sys, hcl2; print(hcl2.load(sys.stdin))")
        for language, program in zip(("yaml", "hcl"), parse):
            (text,) = snippets(language)
            done = subprocess.run([TOOLS / "python", "-c", program], input=text, capture_output=True, text=True,
                                  check=False)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertIn("/opt/thaw-exec", done.stdout)


class Image(Folder):
    """What the lines for images copy runs where it comes to lie."""

    @unittest.skipUnless(shutil.which("busybox"), "no busybox here: .ci/install functions")
    @unittest.skipUnless(rie.LAYER.exists(), f"{rie.LAYER.name} is missing: make layer")
    def test_busybox_unpacks_the_zip_with_its_modes(self):
        stage = (LAYER / "Dockerfile").read_text()
        command = re.search(r"^RUN (.*?[^\\])$", stage, re.DOTALL | re.MULTILINE).group(1).replace("\\\n", "")
        command = command.replace('"/$zip"', f'"{rie.LAYER.parent}/$zip"').replace("/opt", f"{self.folder}/opt")
        machine = "arm64" if os.uname().machine == "aarch64" else "amd64"
        for applet in "sh", "unzip", "chmod":
            (self.folder / applet).symlink_to(shutil.which("busybox"))
        subprocess.run([self.folder / "sh", "-ec", command], check=True,
                       env={"TARGETARCH": machine, "PATH": str(self.folder)})
        thaw = self.folder / "opt/extensions/thaw"
        with zipfile.ZipFile(rie.LAYER) as archive:
            self.assertEqual(thaw.read_bytes(), archive.read("extensions/thaw"))
        self.assertTrue(os.access(thaw, os.X_OK))
        self.assertTrue(os.access(self.folder / "opt/thaw-exec", os.X_OK))
        subprocess.run([thaw, "--version"], check=True, capture_output=True)


if __name__ == "__main__":
    unittest.main(verbosity=2)
