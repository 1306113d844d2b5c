package auditlog

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

var day = time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)

// told is an audit line at the nth second of the day.
func told(n int, principal, subject string) string {
	return fmt.Sprintf(`{"from":"a-function","time":%q,"level":"INFO","msg":"audit","principal":%q,"subject":%q}`+"\n",
		day.Add(time.Duration(n)*time.Second).Format(time.RFC3339Nano), principal, subject)
}

// folder is one with these files.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func ask(t *testing.T, dir string, q Question) (names []string, answer Answer) {
	t.Helper()
	answer, err := Files(t.Context(), dir, q)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range answer.Calls {
		names = append(names, c.Principal)
	}
	return names, answer
}

// The logs of all runs are read, of the one before too, and calls are told in the order
// of time. What is no line of its own, or of no such log, is passed over.
func TestFiles(t *testing.T) {
	long := strings.Repeat("x", longestLine)
	dir := folder(t, map[string]string{
		"run.log": told(40, "d", "1.aa") + "plain words about audit\n" + told(50, "other", "1.bb") + told(60, "part", "1.aab 11.aa") +
			long + told(45, "the end of a long line", "1.aa") +
			strings.Replace(told(45, "another message", "1.aa"), `"msg":`, `"msg":"other","operation":`, 1) +
			told(20, "b", "3.cc 1.aa") + `{"time":"2026-11-24T00:00:00Z","msg":"audit","principal":"torn","subject":"1.aa"`,
		"run.log.1":      told(10, "a", "2.dd"),
		"run-2.log":      told(30, "c", "1.aa"),
		"run-12.log.1":   told(45, "e", "1.aa"),
		"run.log.lock":   told(45, "lock", "1.aa"),
		"run.log.2":      told(45, "none", "1.aa"),
		"other-run.log":  told(45, "none", "1.aa"),
		"run-.log":       told(45, "none", "1.aa"),
		"run-2.log.lock": "",
	})
	about := Question{Digests: []string{"1.aa", "2.dd"}}
	names, answer := ask(t, dir, about)
	if want := []string{"a", "b", "c", "d", "e"}; !slices.Equal(names, want) || answer.More {
		t.Errorf("%q, want %q", names, want)
	}
	// Of the line that is found the key 3 is not known, nor is it asked for.
	if want := []string{"11", "3"}; !slices.Equal(answer.OtherKeys, want) {
		t.Errorf("other keys: %q, want %q", answer.OtherKeys, want)
	}
	about.Since, about.Until = day.Add(20*time.Second), day.Add(40*time.Second)
	if names, answer := ask(t, dir, about); !slices.Equal(names, []string{"b", "c"}) || len(answer.OtherKeys) != 1 {
		t.Errorf("in the time: %q, other keys %q", names, answer.OtherKeys)
	}
	about.Principal = "c"
	if names, _ := ask(t, dir, about); !slices.Equal(names, []string{"c"}) {
		t.Errorf("by one: %q", names)
	}
}

// A run that starts while the logs are read renames one of them: no line counts twice.
func TestALogThatIsRenamed(t *testing.T) {
	dir := folder(t, map[string]string{"run.log": told(1, "a", "1.aa")})
	if err := os.Link(filepath.Join(dir, "run.log"), filepath.Join(dir, "run.log.1")); err != nil {
		t.Skip("no hard links here: ", err)
	}
	if names, _ := ask(t, dir, Question{Digests: []string{"1.aa"}}); len(names) != 1 {
		t.Errorf("%q", names)
	}
}

// The oldest calls are told when there are too many, whatever file they are in, and no
// more are ever kept in memory than twice as many.
func TestTheOldestAreTold(t *testing.T) {
	var newer, older strings.Builder
	for i := range 5 * Most {
		newer.WriteString(told(100_000+i, "new", "1.aa"))
	}
	for i := range 10 {
		older.WriteString(told(i, "old", "1.aa"))
	}
	dir := folder(t, map[string]string{"run-2.log": newer.String(), "run.log": older.String()})
	names, answer := ask(t, dir, Question{Digests: []string{"1.aa"}})
	if len(names) != Most || names[9] != "old" || names[10] != "new" || !answer.More || cap(answer.Calls) > 4*Most {
		t.Errorf("%d calls of room for %d, more: %t", len(names), cap(answer.Calls), answer.More)
	}
}

func TestNoFiles(t *testing.T) {
	for _, dir := range []string{folder(t, map[string]string{"bin": ""}), filepath.Join(t.TempDir(), "none")} {
		if _, err := Files(t.Context(), dir, Question{}); !errors.Is(err, ErrNoFiles) {
			t.Error(err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Files(ctx, folder(t, map[string]string{"run.log": "x\n"}), Question{}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
