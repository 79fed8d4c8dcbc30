from perdure import http, sleep, workflow

RATES = {"de": 19, "fr": 20}


@workflow
def tables(country: str, order_id: int):
    rate = RATES[country]
    other = RATES.get(country, 0)
    german = RATES["de"]
    count = len(RATES)
    more = max(1, order_id)
    keys = RATES.keys()
    found = country in RATES
    cheap = german in RATES.values()
    answer = http.get(f"https://x.example.com/{order_id}")
    if answer.json["ok"]:
        sleep("1s")
    body = answer.text
    code = answer.status_code
