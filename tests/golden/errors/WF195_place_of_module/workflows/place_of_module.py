from perdure import sql, workflow

FOLDER = f"{__file__}.d"


@workflow
def place_of_module(order_id: int):
    name = __name__
    sql(f"select '{FOLDER}' as folder")
    return {"name": name, "file": __file__}
