package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

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

// TestStart: settings that are missing or malformed end the process with one line that
// names them all.
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
