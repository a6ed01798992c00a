"""How the privacy desk is stored: ``customers`` (exports, erasures, holds, each under its customer), ``breaches``."""
