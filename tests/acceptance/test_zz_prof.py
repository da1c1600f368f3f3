import psycopg, pytest, json, time, collections
from tests.acceptance.test_duty_desk import *
pytestmark = pytest.mark.acceptance
def test_dbg(desk):
    world = desk.served.world
    with psycopg.connect(world.database_url) as connection:
        order = fill(connection, MANY)
    with desk.browser() as context:
        context.add_init_script("window.long=[]; new PerformanceObserver((l)=>l.getEntries().forEach((e)=>window.long.push([Math.round(e.startTime),Math.round(e.duration)]))).observe({type:'longtask',buffered:true})")
        page = desk.page(context)
        desk.sign_in(page, "centre")
        page.wait_for_function(f"() => document.querySelector('[aria-setsize=\"{MANY}\"]')")
        time.sleep(2)
        page.evaluate("window.long=[]")
        page.mouse.move(500, 600)
        cdp = context.new_cdp_session(page)
        cdp.send("Profiler.enable"); cdp.send("Profiler.setSamplingInterval", {"interval": 500}); cdp.send("Performance.enable")
        before={m["name"]:m["value"] for m in cdp.send("Performance.getMetrics")["metrics"]}
        cdp.send("Profiler.start")
        for i in range(60):
            page.mouse.wheel(0, 700)
        time.sleep(1)
        prof = cdp.send("Profiler.stop")["profile"]
        after={m["name"]:m["value"] for m in cdp.send("Performance.getMetrics")["metrics"]}
        for k in ("TaskDuration","ScriptDuration","LayoutDuration","RecalcStyleDuration","LayoutCount","RecalcStyleCount","Nodes"): print(k, round(after[k]-before[k],3))
        nodes={n["id"]:n for n in prof["nodes"]}
        c=collections.Counter(prof["samples"])
        agg=collections.Counter()
        for i,n in c.items():
            f=nodes[i]["callFrame"]; agg[(f["functionName"], f["url"][-30:], f["lineNumber"], f["columnNumber"])]+=n
        tot=sum(c.values())
        for k,v in agg.most_common(28): print(round(100*v/tot,1), k)
        print(page.evaluate("window.long"), page.evaluate("scrollY"))
