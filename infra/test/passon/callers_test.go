package passon

import (
	"encoding/hex"
	"os/exec"
	"strings"
	"testing"
)

// Programs in PHP and Java that call the vendor work on when only their address is
// changed: calls of another type reach the vendor, in each form that they come in, and
// the deletion is made here.
func TestCallersInOtherLanguages(t *testing.T) {
	for i, c := range []struct {
		language       string
		check, command []string // check fails where a part is missing
	}{
		{"PHP", []string{"-r", "exit((int) !function_exists('curl_init'));"}, []string{"php", "caller.php"}},
		{"Java", []string{"--version"}, []string{"java", "Caller.java"}},
	} {
		t.Run(c.language, func(t *testing.T) {
			if err := exec.Command(c.command[0], c.check...).Run(); err != nil {
				t.Skip(c.language + " is not installed, so its callers are not tried")
			}
			mark := "https://caller.example/" + c.language
			arguments := append(c.command[1:], running.URL, mark, apiKey, code(150+i))
			command := exec.CommandContext(t.Context(), c.command[0], arguments...)
			command.Dir = "testdata"
			out, err := command.Output()
			if err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			took := vendor.took(mark)
			if len(took) != 3 {
				t.Fatalf("%d calls reached the vendor: %s", len(took), out)
			}
			lines := strings.Split(strings.TrimSpace(string(out)), "\n")
			for n, g := range took {
				want := "202 " + hex.EncodeToString(echo(g.method, g.body))
				if lines[n] != want || !strings.Contains(g.body+g.target, "record_activity") ||
					strings.Contains(g.body+g.target, "customer_delete") {
					t.Errorf("call %d: %s %s %q, answered %s", n, g.method, g.target, g.body, lines[n])
				}
			}
			body, err := hex.DecodeString(strings.TrimPrefix(lines[len(lines)-1], "200 "))
			if err != nil || len(lines) != 4 ||
				!strings.Contains(string(body), `<customer status="deleted"><code>`+code(150+i)+`</code>`) {
				t.Errorf("the deletion: %s, %v", body, err)
			}
		})
	}
}
