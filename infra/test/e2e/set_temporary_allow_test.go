package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"strconv"
	"testing"
	"time"
)

// allow is one temporary allow as it is stored.
type allow struct{ expires, granted, by string }

// allows are the stored temporary allows of a user, by type.
func allows(t testing.TB, id string) map[string]allow {
	t.Helper()
	type text struct{ Value string }
	var stored struct {
		Value map[string]struct {
			Value struct{ Expires, GrantedAt, GrantedBy text }
		}
	}
	if err := json.Unmarshal([]byte(userItem(t, id)["tempAllows"]), &stored); err != nil {
		t.Fatal(err)
	}
	all := map[string]allow{}
	for kind, a := range stored.Value {
		all[kind] = allow{a.Value.Expires.Value, a.Value.GrantedAt.Value, a.Value.GrantedBy.Value}
	}
	return all
}

// millisOf is the time that a stored number of milliseconds stands for.
func millisOf(t testing.TB, text string) time.Time {
	t.Helper()
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		t.Fatalf("no time: %q", text)
	}
	return time.UnixMilli(n)
}

// soon is a time of the next day in milliseconds, written with "Z".
func soon() (time.Time, string) {
	at := time.Now().Add(26 * time.Hour).UTC().Truncate(time.Millisecond)
	return at, at.Format("2006-01-02T15:04:05.000Z")
}

// xmlRequest is the body in XML, with white space; no date: without expirationDate.
func xmlRequest(kind, date string) string {
	if date != "" {
		date = "<expirationDate>" + date + "</expirationDate>"
	}
	return `<?xml version="1.0" encoding="UTF-8" ?> <TempAllowRequest> <tempAllowType>` + kind +
		`</tempAllowType> ` + date + ` </TempAllowRequest> `
}

func TestSetTemporaryAllowInBothFormatsUnderBothPaths(t *testing.T) {
	csr := operator(t, "csr-set")
	loadUsers(t, "u-set")
	for _, base := range bases {
		path := at(base, "u-set")
		for kind := range 3 {
			kind := strconv.Itoa(kind + 1)
			expires, date := soon()
			inJSON := fmt.Sprintf(`{ "tempAllowType":%s, "expirationDate":"%s" }`, kind, date)
			for _, row := range []struct {
				body, format string
				headers      []string
			}{
				{inJSON, "json", []string{bodyJSON}},
				{inJSON, "xml", []string{bodyJSON, acceptXML}},
				{inJSON, "json", nil},
				{xmlRequest(kind, date), "xml", []string{bodyXML}},
				{xmlRequest(kind, date), "xml", []string{bodyXML, acceptXML}},
				{xmlRequest(kind, date), "json", []string{bodyXML, acceptJSON}},
			} {
				send(t, "DELETE", path+"?cancelAllTemporaryAllows=true", "", csr)
				began := time.Now().Truncate(time.Millisecond)
				send(t, "PUT", path, row.body, append(row.headers, csr)...).done(t, row.format)
				got := allows(t, "u-set")[kind]
				granted := millisOf(t, got.granted)
				if !millisOf(t, got.expires).Equal(expires) || got.by != "csr-set" || granted.Before(began) ||
					granted.After(time.Now()) {
					t.Errorf("type %s until %s is stored as %+v", kind, date, got)
				}
			}
		}
		unknown := at(base, "u-set-nobody")
		send(t, "PUT", unknown, `{"tempAllowType":1}`, csr).refused(t, 404, "json", "Customer ID not found")
		send(t, "PUT", unknown, xmlRequest("1", ""), csr, bodyXML).refused(t, 404, "xml", "Customer ID not found")
		if userItem(t, "u-set-nobody") != nil {
			t.Error("an allow made a user")
		}
	}
}

// Without a date an allow lasts as long as its type says; the same type again replaces
// it, and nothing else changes.
func TestSetTemporaryAllowReplacesItsTypeAlone(t *testing.T) {
	csr, other := operator(t, "csr-replace"), operator(t, "csr-replace2")
	loadUsers(t, "u-replace", "u-replace2")
	full := userItem(t, "u-replace")
	path := at(bases[0], "u-replace")
	_, date := soon()
	for kind, life := range map[string]time.Duration{"1": 24 * time.Hour, "2": 2 * time.Hour} {
		send(t, "PUT", path, `{"tempAllowType":`+kind+`}`, csr).done(t, "json")
		got := allows(t, "u-replace")[kind]
		if lasts := millisOf(t, got.expires).Sub(millisOf(t, got.granted)); lasts != life {
			t.Errorf("type %s lasts %s, want %s", kind, lasts, life)
		}
		send(t, "PUT", path, xmlRequest(kind, ""), csr, bodyXML).done(t, "xml")
	}
	send(t, "PUT", path, `{"tempAllowType":3,"expirationDate":"`+date+`"}`, csr).done(t, "json")
	before, peer := allows(t, "u-replace"), userItem(t, "u-replace2")
	if len(before) != 3 {
		t.Fatalf("three types are %v", before)
	}
	send(t, "PUT", path, `{"tempAllowType":1,"expirationDate":"`+date+`"}`, other).done(t, "json")
	after := allows(t, "u-replace")
	if after["1"] == before["1"] || after["1"].by != "csr-replace2" || after["1"].expires != before["3"].expires {
		t.Errorf("not replaced: %v", after["1"])
	}
	delete(before, "1")
	delete(after, "1")
	if !maps.Equal(before, after) {
		t.Errorf("other types changed: %v, were %v", after, before)
	}
	if got := userItem(t, "u-replace"); !maps.Equal(without(got, "tempAllows"), without(full, "tempAllows")) {
		t.Errorf("more than the allow changed: %v, was %v", got, full)
	}
	if got := userItem(t, "u-replace2"); !maps.Equal(got, peer) {
		t.Errorf("another user changed: %v, was %v", got, peer)
	}
	// A user without anything is a user.
	load(t, `{"kind":"user","customerId":"u-replace3"}`)
	send(t, "PUT", at(bases[0], "u-replace3"), `{"tempAllowType":2}`, csr).done(t, "json")
}

func TestExpirationDate(t *testing.T) {
	csr := operator(t, "csr-dates")
	loadUsers(t, "u-dates")
	path := at(bases[1], "u-dates")
	base, _ := soon()
	second := base.Truncate(time.Second)
	farthest := time.Now().Add(366*24*time.Hour - time.Minute).UTC().Truncate(time.Second)
	const local = "2006-01-02T15:04:05"
	east, west := time.FixedZone("", 5*3600+30*60), time.FixedZone("", -9*3600)
	put := func(date string) []reply {
		quoted, _ := json.Marshal(date)
		return []reply{
			send(t, "PUT", path, `{"tempAllowType":3,"expirationDate":`+string(quoted)+`}`, csr, bodyJSON),
			send(t, "PUT", path, xmlRequest("3", date), csr, bodyXML),
		}
	}
	for date, want := range map[string]time.Time{
		second.Format(local) + "Z":                                            second,
		second.Format("2006-01-02t15:04:05") + "z":                            second,
		second.Format(local) + ".5Z":                                          second.Add(500 * time.Millisecond),
		second.Format(local) + ".768Z":                                        second.Add(768 * time.Millisecond),
		second.Format(local) + ".123456789Z":                                  second.Add(123 * time.Millisecond),
		second.Format(local) + ".1239999999999999999z":                        second.Add(123 * time.Millisecond),
		second.Format(local) + "+00:00":                                       second,
		second.Format(local) + "-00:00":                                       second,
		second.In(east).Format(local) + "+05:30":                              second,
		second.In(west).Format(local) + ".25-09:00":                           second.Add(250 * time.Millisecond),
		second.In(time.FixedZone("", 23*3600+59*60)).Format(local) + "+23:59": second,
		farthest.Format(local) + "Z":                                          farthest,
	} {
		for i, r := range put(date) {
			r.done(t, []string{"json", "xml"}[i])
			if got := millisOf(t, allows(t, "u-dates")["3"].expires); !got.Equal(want) {
				t.Errorf("%s is stored as %s, want %s", date, got, want)
			}
		}
	}
	t.Run("refused", func(t *testing.T) {
		unchanged(t)
		dates := []string{
			time.Now().Add(-time.Second).UTC().Format(local) + "Z", "2021-10-15T01:29:29.768Z", "0000-01-01T00:00:00Z",
			time.Now().Add(366*24*time.Hour+time.Hour).UTC().Format(local) + "Z", "9999-12-31T23:59:59Z",
			second.Format(local), second.Format("2006-01-02"), second.Format("2006-01-02 15:04:05") + "Z",
			second.Format(local) + " Z",
			second.Format(local) + ",5Z", second.Format(local) + ".Z", second.Format(local) + "+0530",
			second.Format(local) + "+05",
			second.Format(local) + "+24:00", second.Format(local) + "+05:60",
			second.Format("2006-01-02") + "T24:00:00Z",
			second.Format("2006-01-02") + "T1:00:00Z", second.Format("2006-01-02") + "T10:60:00Z",
			second.Format("2006-01-02") + "T10:00:61Z",
			second.Format("2006-01-02") + "T10:00Z", second.Format("06-01-02T15:04:05") + "Z",
			fmt.Sprint(second.Unix()), fmt.Sprint(second.UnixMilli()),
			strconv.Itoa(second.Year()+1) + "-02-30T00:00:00Z", strconv.Itoa(second.Year()) + "-13-01T00:00:00Z",
			strconv.Itoa(second.Year()) + "-00-01T00:00:00Z",
			"tomorrow", "null", "+" + second.Format(local) + "Z", second.Format(time.RFC1123),
			"\u0662" + second.Format(local)[1:] + "Z",
		}
		for _, date := range dates {
			for i, r := range put(date) {
				r.refused(t, 400, []string{"json", "xml"}[i], "expirationDate")
			}
		}
		for _, value := range []string{`""`, `" "`, `1`, `true`, `{}`, `[]`, `["` + second.Format(local) + `Z"]`} {
			send(t, "PUT", path, `{"tempAllowType":1,"expirationDate":`+value+`}`, csr).refused(t, 400, "json",
				"expirationDate")
		}
		send(t, "PUT", path, `{"tempAllowType":3}`, csr).refused(t, 400, "json", "expirationDate")
		send(t, "PUT", path, xmlRequest("3", ""), csr, bodyXML).refused(t, 400, "xml", "expirationDate")
		send(t, "PUT", path, xmlRequest("1", " "), csr, bodyXML).refused(t, 400, "xml", "expirationDate")
	})
}

func TestTempAllowType(t *testing.T) {
	csr := operator(t, "csr-types")
	loadUsers(t, "u-types")
	path := at(bases[0], "u-types")
	unchanged(t)
	_, date := soon()
	for _, value := range []string{"0", "4", "-1", "-0", "01", "1.0", "1.5", "1e0", "10", "99999999999999999999",
		"true", `"1"`, "null", "[1]", `{"a":1}`, `""`} {
		send(t, "PUT", path, `{"tempAllowType":`+value+`,"expirationDate":"`+date+`"}`, csr).refused(t, 400, "json")
		if value != "01" { // which is no JSON at all
			send(t, "PUT", path, `{"tempAllowType":`+value+`}`, csr, acceptXML).refused(t, 400, "xml", "tempAllowType")
		}
	}
	for _, value := range []string{"0", "4", "-1", "01", "+1", "1.0", "1e0", "0x1", "one", "", " ", "1 2", "\u0661",
		"\u00a01", "99999999999999999999", "<a>1</a>"} {
		send(t, "PUT", path, xmlRequest(value, date), csr, bodyXML).refused(t, 400, "xml", "tempAllowType")
	}
	for _, body := range []string{`{}`, `{"expirationDate":"` + date + `"}`, `{"other":1}`} {
		send(t, "PUT", path, body, csr).refused(t, 400, "json", "tempAllowType")
	}
	send(t, "PUT", path, `<TempAllowRequest/>`, csr, bodyXML).refused(t, 400, "xml", "tempAllowType")
	send(t, "PUT", path, `<TempAllowRequest><expirationDate>`+date+`</expirationDate></TempAllowRequest>`, csr,
		bodyXML).refused(t, 400, "xml", "tempAllowType")
}
