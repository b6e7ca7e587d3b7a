"""Events and people killed by province, out of the CSV of a query."""

import pandas

SERVER = "http://127.0.0.1:8000"

events = pandas.read_csv(
    f"{SERVER}/v1/events?format=csv&actor=Taliban",
    # Only an empty cell is nothing: "NA" is Namibia.
    keep_default_na=False,
    na_values=[""],
    dtype={"title": str},
)
# What a spreadsheet might take for a formula has one ' before it.
events["title"] = events["title"].str.removeprefix("'")
# A date that is open at its start has its place at its end.
events["day"] = pandas.to_datetime(events["start"].fillna(events["end"]).str[:10])
events["province_name"] = events["province_name"].fillna("(none)")

provinces = events.groupby("province_name").agg(
    events=("id", "count"),
    killed_low=("killed_low", "sum"),
    killed_high=("killed_high", "sum"),
    first=("day", "min"),
)
print(provinces.astype({"killed_low": int, "killed_high": int}).to_string())
