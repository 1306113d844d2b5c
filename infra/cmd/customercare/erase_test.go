package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/repr"

	"customercare/infra/testkit/metrictest"
)

// outcome is the last entry of a row in a result file.
type outcome struct {
	Line                  int
	Asked, Again          bool
	Outcome, Erasure, Why string
	Of                    int
	Run                   *struct{ ApprovedBy, Reason, Ticket, User, App string }
}

// rowOutcomes reads a result file: the last entry of each row, and the runs.
func rowOutcomes(t *testing.T, name string) (rows map[int]outcome, runs []outcome) {
	t.Helper()
	file, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	rows = map[int]outcome{}
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		var e outcome
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			t.Fatalf("%v: %s", err, lines.Text())
		}
		if e.Run != nil {
			runs = append(runs, e)
		} else {
			rows[e.Line] = e
		}
	}
	return rows, runs
}

// rowsFile is a file of rows in a folder of its own.
func rowsFile(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "rows")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

var asBoth = []string{"--user", "john", "--app", "portal", "--rate", "10000"}

func erase(t *testing.T, file string, args ...string) result {
	t.Helper()
	return call(t, "", slices.Concat([]string{"erase", "--file", file}, asBoth, args)...)
}

// Each row of a file has its outcome, whatever is wrong with others; a dry run asks for
// nothing; what has an outcome is not asked for again.
func TestEraseAFile(t *testing.T) {
	api := serveAPI(t)
	csv := rowsFile(t, "\uFEFFcode,account,number,tenant\r\n"+ // 1
		"4711,shop,,\r\n"+ // 2
		"\"with \"\"quotes\"\", and more\",shop,,\r\n"+ // 3
		"\r\n"+ // 4
		"4711,shop,,\r\n"+ // 5: as line 2
		"4711,foreign,,\r\n"+ // 6
		"unknown-1,shop,,\r\n"+ // 7
		"odd-1,shop,,\r\n"+ // 8
		"4711,shop,111,acme\r\n"+ // 9: both
		"4711,shop\r\n"+ // 10
		"\"4711,shop,,\r\n"+ // 11: a quote that does not end
		",,111,acme\r\n"+ // 12
		",,held-1,acme\r\n"+ // 13
		",,unknown-1,acme\r\n"+ // 14
		",,111,acme\r\n"+ // 15: as line 12
		",,111,foreign\r\n"+ // 16
		strings.Repeat("x", 129)+",shop,,\r\n"+ // 17
		"\xff,shop,,\r\n"+ // 18
		strings.Repeat("y", 70_000)+"\r\n"+ // 19
		"4711,shop2,,") // 20
	jsonRow := func(pairs ...string) string {
		row := map[string]string{}
		for i := 0; i < len(pairs); i += 2 {
			row[pairs[i]] = pairs[i+1]
		}
		line, _ := json.Marshal(row)
		return string(line) + "\n"
	}
	code := func(account, code string) string { return jsonRow("account", account, "code", code) }
	number := func(tenant, number string) string { return jsonRow("tenant", tenant, "number", number) }
	ndjson := rowsFile(t, "\n"+code("shop", "4711")+code("shop", `with "quotes", and more`)+"\n"+code("shop", "4711")+
		code("foreign", "4711")+code("shop", "unknown-1")+code("shop", "odd-1")+
		jsonRow("account", "shop", "code", "4711", "number", "111", "tenant", "acme")+jsonRow("account", "shop")+
		`{"account":"shop","code":"1","name":"x"}`+"\n"+number("acme", "111")+number("acme", "held-1")+
		number("acme", "unknown-1")+number("acme", "111")+number("foreign", "111")+code("shop", strings.Repeat("x", 129))+
		`{"account":"shop","code":"1","code":"2"}`+"\n"+strings.Repeat("y", 70_000)+"\n"+code("shop2", "4711"))
	for form, file := range map[string]string{"CSV": csv, "JSON": ndjson} {
		api.mu.Lock()
		api.asked, api.lists, api.calls, api.looks = map[string]int{}, nil, 0, map[string]int{}
		api.mu.Unlock()
		dry := erase(t, file)
		dry.is(t, 0, "nothing is erased: say --yes to erase through "+api.URL+"/v1")
		if _, err := os.Stat(file + ".result"); err == nil || api.calls > 0 || !strings.Contains(dry.errs, "line 19: the line is longer") ||
			!strings.Contains(dry.errs, ": 18 rows: 6 customers and 4 numbers; 2 duplicates, 6 rows name nobody\n") {
			t.Errorf("%s, %d calls: %v", form, api.calls, dry)
		}
		r := erase(t, file, "--yes", "--json", "--reason", "cleaning", "--ticket", "T-1")
		r.is(t, 3, ".result says which rows, and why")
		if !strings.Contains(strings.Join(strings.Fields(r.out), ""),
			`{"accepted":6,"erased":0,"notFound":1,"held":0,"refused":9,"duplicates":2,"left":0,"result":`) {
			t.Errorf("%s: %v", form, r)
		}
		if !api.headers["cleaning|T-1"] || len(api.headers) != 1 {
			t.Errorf("%s: headers %v", form, api.headers)
		}
		first := api.calls
		if again := erase(t, file, "--yes"); api.calls != first || again.code != 3 {
			t.Errorf("%s: %d calls, then %d: %v", form, first, api.calls, again)
		}
		erase(t, file, "--yes", "--wait").is(t, 3, "")
		rows, runs := rowOutcomes(t, file+".result")
		got := map[string]string{}
		for line, e := range rows {
			got[fmt.Sprint(line)] = strings.TrimSuffix(e.Outcome+" "+e.Why, " ")
			if e.Of > 0 {
				got[fmt.Sprint(line)] += fmt.Sprint(" of ", e.Of)
			}
			if e.Asked || e.Erasure == "" && e.Outcome == "erased" {
				t.Errorf("%s, line %d: %s", form, line, repr.String(e))
			}
		}
		for line, want := range map[string]string{
			"2": "erased", "3": "erased", "5": "duplicate of 2", "6": "refused the account is not one of the API user's",
			"7": "not_found", "8": "refused code is odd", "9": "refused the line must have account and code, or tenant and number",
			"10": "refused", "11": "refused the line", "12": "erased", "13": "held", "14": "not_found", "15": "duplicate of 12",
			"16": "refused the tenant is not the app's", "17": "refused each identifier must have 1 to 128 bytes",
			"18": "refused", "19": "refused the line is longer", "20": "erased",
		} {
			if !strings.HasPrefix(got[line], want) {
				t.Errorf("%s, line %s: %q, want %q", form, line, got[line], want)
			}
			delete(got, line)
		}
		for line := range got {
			if line == "4" || line == "1" {
				t.Errorf("%s: line %s has an outcome", form, line)
			}
		}
		if len(runs) != 3 || runs[0].Run.Ticket != "T-1" || runs[0].Run.User != "john" || api.asked["shop/4711"] != 1 ||
			api.asked["foreign/4711"] != 0 || !slices.Equal(api.lists, []int{3}) {
			t.Errorf("%s: runs %s, asked %v, lists %v", form, repr.String(runs), api.asked, api.lists)
		}
		text, _ := os.ReadFile(file + ".result")
		for _, personal := range []string{"4711", "held-1", "quotes", bulkKey, bulkSecret} {
			if metrictest.Names(string(text), personal) {
				t.Errorf("%s: the result has %q in it", form, personal)
			}
		}
	}
}

// A file of another form is refused in one sentence, before anything is asked for.
func TestEraseOfAnotherForm(t *testing.T) {
	api := serveAPI(t)
	wide := func(text string) string { return strings.Join(strings.Split(text, ""), "\x00") + "\x00" }
	for text, says := range map[string]string{
		"\xff\xfe" + wide("account,code\n"):      "the file is UTF-16 (little-endian): convert it to UTF-8; nothing is erased",
		wide("account,code\n"):                   "UTF-16 (little-endian)",
		"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00":   "gzip",
		"[{\"account\":\"a\"}]":                  "JSON array",
		"{\n\"account\": \"a\",\n\"code\": 1\n}": "over several lines",
		"account,code,name\na,b,c\n":             "column 3 is none of account, code, tenant, number",
		"account,code,code\na,b,c\n":             "column 3 is none of",
		"greatwidgets,4711\n":                    "column 1 is none of",
		"account;code\na;b\n":                    "with commas between them",
		"account,number\na,b\n":                  "the columns account and code, or tenant and number, are missing",
		"\"account,code\n":                       "neither CSV nor a JSON object",
		"":                                       "the file is empty",
		"\n \n":                                  "the file is empty",
	} {
		r := erase(t, rowsFile(t, text), "--yes")
		if r.code != 1 || !strings.Contains(r.errs, says) || strings.Count(r.errs, "\n") != 1 || r.out != "" || metrictest.Names(r.errs, "4711") {
			t.Errorf("%q: %v", text, r)
		}
	}
	if api.calls > 0 {
		t.Errorf("%d calls", api.calls)
	}
	erase(t, t.TempDir()+"/none").is(t, 1, "none cannot be read: no such file or directory")
}

// Above the limit a second person must approve, by another name than the caller's.
func TestEraseNeedsASecondPerson(t *testing.T) {
	api := serveAPI(t)
	file := rowsFile(t, "account,code\nshop,1\nshop,2\nshop,3\n")
	erase(t, file, "--yes", "--limit", "2").is(t, 2, "a second person must approve, --approved-by NAME")
	erase(t, file, "--yes", "--limit", "2", "--approved-by", "john").is(t, 2, "must name a second person")
	erase(t, file, "--yes", "--ticket", "a\tb").is(t, 2, "--ticket must be printable")
	erase(t, file, "--yes", "--approved-by", strings.Repeat("x", 250)).is(t, 2, "256 bytes at most together")
	erase(t, file, "--yes", "--rate", "0").is(t, 2, "--rate must be more than 0")
	call(t, "", "erase", "--file", file, "--yes").is(t, 2, "name the API user with --user")
	call(t, "", "erase", "--file", rowsFile(t, "tenant,number\nacme,1\n"), "--yes").is(t, 2, "name the app with --app")
	if api.calls > 0 {
		t.Errorf("%d calls", api.calls)
	}
	erase(t, file, "--yes", "--limit", "2", "--approved-by", "A. Officer").is(t, 0, "")
	if _, runs := rowOutcomes(t, file+".result"); runs[0].Run.ApprovedBy != "A. Officer" || !api.headers["bulk erasure; approved by A. Officer|"] {
		t.Errorf("%s, %v", repr.String(runs), api.headers)
	}
	// Nor does the result of one file count for another, or for two runs at a time.
	other := rowsFile(t, "account,code\nshop,9\n")
	erase(t, other, "--yes", "--result", file+".result").is(t, 1, "is the result of another file, or none")
	erase(t, other, "--yes", "--result", file).is(t, 1, "is the result of another file, or none")
	erase(t, other, "--yes", "--result", file+"/x/y").is(t, 1, "cannot be opened: not a directory")
}

// A wrong secret ends a run before anything is asked for, and makes no row refused.
func TestEraseWithWrongSecrets(t *testing.T) {
	api := serveAPI(t)
	for variable, rows := range map[string]string{"API_USER_KEY": "account,code\nshop,1\n", "APP_SECRET": "tenant,number\nacme,1\n"} {
		t.Setenv(variable, "another")
		file := rowsFile(t, rows)
		erase(t, file, "--yes").is(t, 1, "is wrong")
		t.Setenv(variable, "")
		erase(t, file, "--yes").is(t, 1, "is read from standard input, which has no more lines: or set "+variable)
		right := map[string]string{"API_USER_KEY": bulkKey, "APP_SECRET": bulkSecret}[variable]
		if api.calls > 0 {
			t.Errorf("%d calls", api.calls)
		}
		call(t, right+"\r\n", slices.Concat([]string{"erase", "--file", file, "--yes"}, asBoth)...).is(t, 0, "")
		api.calls = 0
	}
}

// Lost answers, a busy API, a token that expires, a list with a number that is refused,
// and an end that cannot be read: each row has its outcome all the same.
func TestEraseThroughFaults(t *testing.T) {
	api := serveAPI(t)
	api.busy, api.expire = 3, 6
	api.before = func(call int) bool { return call != 1 }
	api.after = func(call int) bool { return call != 5 }
	var rows strings.Builder
	rows.WriteString("account,code,tenant,number\nshop,1,,\nshop,gone-1,,\n")
	for i := range 9 {
		fmt.Fprintf(&rows, ",,acme,%s%d\n", map[bool]string{true: "odd-"}[i == 4], i)
	}
	file := rowsFile(t, rows.String())
	r := erase(t, file, "--yes", "--wait")
	r.is(t, 3, "cannot be read: the key is gone")
	got, _ := rowOutcomes(t, file+".result")
	for line, want := range map[int]string{2: "erased", 3: "accepted", 4: "erased", 8: "refused", 12: "erased"} {
		if got[line].Outcome != want {
			t.Errorf("line %d: %s", line, repr.String(got[line]))
		}
	}
	if api.asked["shop/1"]+api.asked["shop/gone-1"] > 3 {
		t.Errorf("asked %v", api.asked)
	}
	api.busy = 1000
	file = rowsFile(t, "account,code\nshop,1\nshop,2\n")
	erase(t, file, "--yes").is(t, 1, "the API answers with status 503: when that has passed, call the same again")
	api.busy = 0
	erase(t, file, "--yes").is(t, 0, "")
	t.Setenv("API_URL", api.URL)
	erase(t, rowsFile(t, "account,code\nshop,1\n"), "--yes").is(t, 1, "status 404 what it should not: look whether its address is right")
}
