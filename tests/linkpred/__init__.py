"""Link-prediction folders for the tests."""
