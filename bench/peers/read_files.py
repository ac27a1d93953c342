"""Copying and reading files. Usage: read_files.py copy|read|nifti FILE"""
import shutil
import sys

import nifti
from worker import serve

kind, file = sys.argv[1:]


def copy():
    shutil.copyfile(file, file + ".copy")


def reader():
    """Into memory that is there."""
    with open(file, "rb") as source:
        room = bytearray(source.seek(0, 2))

    def read():
        with open(file, "rb") as source:
            source.readinto(room)

    return read


serve({"copy": lambda: copy, "read": reader, "nifti": lambda: lambda: float(nifti.read(file)[1][0, 0, 0])}[kind]())
