"""`make policies`: writes each function's policy anew from the table."""

from infra import policies

if __name__ == "__main__":
    policies.write()
    print(f"Wrote {len(policies.FUNCTIONS)} policies to .chalice/policies")
