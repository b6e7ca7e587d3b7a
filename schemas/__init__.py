"""What may come in and what goes out; knows neither Flask nor the database."""
