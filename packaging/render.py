"""Writes the installers and the Homebrew formula of a release.

Use: python render.py REPOSITORY VERSION FOLDER. The folder has the checksums of the archives, as `build.sh` writes
them; the files are written into it.
"""

import pathlib
import re
import sys

HERE = pathlib.Path(__file__).parent
FILES = ["install.sh", "install.ps1", "homebrew/mockaa.rb"]


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    repository, version, folder = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])

    def find_value(match):
        name, _, target = match[1].partition(":")
        if name != "SHA256":
            return {"REPOSITORY": repository, "VERSION": version}[name]
        (file,) = folder.glob(f"mockaa-{version}-{target}.*.sha256")
        return file.read_text().split()[0]

    for name in FILES:
        text = re.sub("@(REPOSITORY|VERSION|SHA256:[a-z0-9_-]+)@", find_value, (HERE / name).read_text())
        target = folder / pathlib.Path(name).name.replace("install.", "mockaa-installer.")
        target.write_text(text)


main()
