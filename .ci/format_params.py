"""Write params.yaml in the form in which `dvc exp run -S` writes it, so that setting a parameter changes one line.

`make params` runs it. No value and no comment changes.
"""

from dvc.utils.hydra import apply_overrides

if __name__ == "__main__":
    apply_overrides("params.yaml", [])
