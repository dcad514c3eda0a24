# SPDX-License-Identifier: LGPL-3.0-or-later
"""contrib/drill: "Restore a backup" of docs/operations.md, step by step."""

import os
import subprocess

from support import build
from support.case import Case

SECONDS = 120
TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))


class Drill(Case):
    def test_the_procedure_of_the_manual_restores_a_backup_under_load(self):
        folder = os.path.join(self.directory(), "drill")
        done = subprocess.run(
            [os.path.join(TOP, "contrib", "drill"), "--build",
             build.path("."), "--dir", folder], env=build.environment(),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True,
            timeout=SECONDS * build.slowness())
        self.assertIsNone(build.sanitizer_report(done.stdout), done.stdout)
        if done.returncode != 0:
            self.fail(done.stdout + self.logs(folder))
        self.assertIn("the drill went as it should", done.stdout)

    @staticmethod
    def logs(folder):
        text = ""
        for name in sorted(os.listdir(folder)):
            if name.endswith((".log", ".err")):
                with open(os.path.join(folder, name)) as file:
                    text += "---- %s\n%s" % (name, file.read())
        return text
