"""Ring 2: real threads and the real code on DynamoDB Local, whose transactions hold; moto carries the rest."""
