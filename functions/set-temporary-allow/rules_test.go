package main

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

func TestParseDate(t *testing.T) {
	const none = ""
	for text, want := range map[string]string{
		"2030-10-15T01:29:29.768Z":           "2030-10-15T01:29:29.768Z",
		"2030-10-15t01:29:29z":               "2030-10-15T01:29:29Z",
		"2030-10-15T01:29:29-00:00":          "2030-10-15T01:29:29Z",
		"2030-10-15T01:29:29+05:45":          "2030-10-14T19:44:29Z",
		"2030-10-15T01:29:29-23:59":          "2030-10-16T01:28:29Z",
		"2030-10-15T01:29:29.1Z":             "2030-10-15T01:29:29.1Z",
		"2030-10-15T01:29:29.1234567890123Z": "2030-10-15T01:29:29.123456789Z",
		"2032-02-29T00:00:00Z":               "2032-02-29T00:00:00Z",
		"0000-02-29T00:00:00Z":               "0000-02-29T00:00:00Z",
		"9999-12-31T23:59:59Z":               "9999-12-31T23:59:59Z",
		"2016-12-31T23:59:60Z":               "2017-01-01T00:00:00Z",
		"2016-12-31T15:59:60.5-08:00":        "2017-01-01T00:00:00.5Z",
		"2017-01-01T05:44:60+05:45":          "2017-01-01T00:00:00Z",

		"2016-12-31T23:58:60Z":           none, // no leap second ever was there
		"2016-12-30T23:59:60Z":           none,
		"2016-12-31T23:59:60+01:00":      none,
		"2016-12-31T23:59:61Z":           none,
		"2031-02-29T00:00:00Z":           none,
		"2030-04-31T00:00:00Z":           none,
		"2030-00-10T00:00:00Z":           none,
		"2030-13-10T00:00:00Z":           none,
		"2030-10-00T00:00:00Z":           none,
		"2030-10-15T24:00:00Z":           none,
		"2030-10-15T23:60:00Z":           none,
		"2030-10-15T01:29:29+24:00":      none,
		"2030-10-15T01:29:29+01:60":      none,
		"2030-10-15T01:29:29":            none,
		"2030-10-15T01:29Z":              none,
		"2030-10-15T1:29:29Z":            none,
		"2030-10-15T01:29:29.Z":          none,
		"2030-10-15T01:29:29,5Z":         none,
		"2030-10-15 01:29:29Z":           none,
		"2030-10-15T01:29:29+0100":       none,
		"2030-10-15T01:29:29+01":         none,
		"2030-10-15T01:29:29 Z":          none,
		"2030-10-15T01:29:29\u221201:00": none,
		"2030-10-15T01:29:29Z\n":         none,
		" 2030-10-15T01:29:29Z":          none,
		"12030-10-15T01:29:29Z":          none,
		"-2030-10-15T01:29:29Z":          none,
		"20301015T012929Z":               none,
		"2030-10-15":                     none,
		"٢٠٣٠-10-15T01:29:29Z":           none,
		"":                               none,
	} {
		got := none
		if when, ok := parseDate(text); ok {
			got = when.Format(time.RFC3339Nano)
		}
		if got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func TestTypes(t *testing.T) {
	const h = lifetime(time.Hour)
	for text, want := range map[string]types{
		"1=24h,2=2h,3=date": {1: 24 * h, 2: 2 * h, 3: 0},
		"7=date":            {7: 0},
		"10=90m,2=date":     {10: 3 * h / 2, 2: 0},
		"007=1h":            {7: h},
		"":                  nil,
		"1":                 nil,
		"1=":                nil,
		"=2h":               nil,
		"1=2h,":             nil,
		"1=2h,1=3h":         nil,
		"1=2h,01=date":      nil,
		"1=0h":              nil,
		"1=-2h":             nil,
		"1=2":               nil,
		"1=1h30m":           nil,
		"1=2.5h":            nil,
		"1=Date":            nil,
		"1=2h 2=3h":         nil,
		"1 =2h":             nil,
		"-1=2h":             nil,
		"a=2h":              nil,
		"1234567890=2h":     nil,
	} {
		var got types
		err := got.UnmarshalText([]byte(text))
		if (err == nil) != (want != nil) || !maps.Equal(got, want) {
			t.Errorf("%q: got %v, %v", text, got, err)
		}
	}
	if got := (types{10: 0, 2: 0, 1: 0}).String(); got != "1, 2, 10" {
		t.Errorf("the allowed values are said to be %q", got)
	}
}

func TestSpoken(t *testing.T) {
	for d, want := range map[time.Duration]string{8784 * time.Hour: "366 days", 36 * time.Hour: "36 hours", 90 * time.Minute: "90 minutes"} {
		if got := spoken(d); got != want {
			t.Errorf("%v is said to be %q", d, got)
		}
	}
}

// asMain makes this test binary run main, to see how the function starts.
const asMain = "RUN_MAIN_OF_SET_TEMPORARY_ALLOW"

func TestMain(m *testing.M) {
	if os.Getenv(asMain) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// TestStart: settings that are missing or malformed end the process with one line that names them all.
func TestStart(t *testing.T) {
	for _, test := range []struct {
		env  []string
		want []string
	}{
		{nil, []string{"USERS_TABLE", "TEMP_ALLOW_TYPES", "TEMP_ALLOW_MAX_AHEAD"}},
		{[]string{"USERS_TABLE=u", "TEMP_ALLOW_TYPES=1=2h,1=3h", "TEMP_ALLOW_MAX_AHEAD=8784h"}, []string{"Types", "type 1 is given twice"}},
		{[]string{"USERS_TABLE=u", "TEMP_ALLOW_TYPES=1=never", "TEMP_ALLOW_MAX_AHEAD=0h"}, []string{`type 1: "never" is no lifetime`, `"0h" is no lifetime`}},
	} {
		command := exec.Command(os.Args[0])
		command.Env = append([]string{asMain + "=1"}, test.env...)
		out, err := command.Output()
		if exit, ok := err.(*exec.ExitError); !ok || exit.ExitCode() != 1 || len(exit.Stderr) > 0 {
			t.Errorf("%q: ended with %v", test.env, err)
		}
		var line struct{ Level, Cause string }
		if bytes.Count(out, []byte("\n")) != 1 || json.Unmarshal(out, &line) != nil || line.Level != "ERROR" {
			t.Errorf("%q: logged %s", test.env, out)
		}
		for _, want := range test.want {
			if !strings.Contains(line.Cause, want) {
				t.Errorf("%q: %q does not name %s", test.env, line.Cause, want)
			}
		}
	}
}
