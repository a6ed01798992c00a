"""`make deploy STAGE=prod`: one stage from the checkout to a running system at AWS, and back.

    python -m infra.deploy STAGE [--plan] [--yes]        deploy, or only say what that would change
    python -m infra.deploy package STAGE [--out FOLDER]  one template and one zip, for a pipeline
    python -m infra.deploy env STAGE                     what a command needs to work on the stage
    python -m infra.deploy run STAGE -- COMMAND …        run a command that works on the stage
    python -m infra.deploy destroy STAGE [--data]        take down what runs; with --data what is stored as well

What a stage is stands in ``infra/stages/STAGE.toml``. The truth about what is deployed is read from AWS each time, so a
deployment that was cut off goes on from any machine.
"""

import sys

from infra.deploying.command import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
