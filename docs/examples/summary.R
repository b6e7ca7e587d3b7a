# Events and people killed by province, out of the CSV of a query. Base R is enough.
server <- "http://127.0.0.1:8000"

events <- read.csv(
  paste0(server, "/v1/events?format=csv&actor=Taliban"),
  na.strings = "", # Only an empty cell is nothing: "NA" is Namibia.
  colClasses = c(title = "character"),
  encoding = "UTF-8"
)
# What a spreadsheet might take for a formula has one ' before it.
events$title <- sub("^'", "", events$title)
events$province_name[is.na(events$province_name)] <- "(none)"
events$events <- 1

provinces <- aggregate(
  cbind(events, killed_low, killed_high) ~ province_name, events, sum, na.rm = TRUE, na.action = na.pass
)
print(provinces, row.names = FALSE)
