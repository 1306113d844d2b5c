package local

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"customercare/infra/local/stack"
)

// calls are the operations on the demo data, and what shows what became of them, each as
// a command for a shell with curl and sed. {address} is the API's, {type} and {date} a
// temporary allow that the stack takes.
var calls = []struct{ operation, command string }{
	{"delete customer info", `
    curl -X DELETE -u csr:csr-demo-password \
      '{address}/customercare/v1/demo-user/provision?unregisterDevices=true'`},
	{"set a temporary allow", `
    curl -X PUT -u csr:csr-demo-password -H 'Content-Type: application/json' \
      -d '{"tempAllowType":{type},"expirationDate":"{date}"}' \
      {address}/customercare/v1/demo-user/provision`},
	{"what the user has", `
    curl -u csr:csr-demo-password {address}/customercare/v1/demo-user/provision`},
	{"use of the allow, which a single login has once", `
    curl -X POST -u csr:csr-demo-password {address}/customercare/v1/demo-user/provision/use`},
	{"delete a customer", `
    curl {address}/api.php -d user_id=john1970 -d user_password=1959caadac9b13dcb3 \
      -d type=customer_delete -d account_id=greatwidgets -d code=1234567890123456`},
	{"clean customer personal data", `
    curl {address}/apiaccess/CC-Management/v1/clearUserInfo/cleancustpersonaldata \
      -H "Authorization: Bearer $(curl -s {address}/apigovernance/api/oauth/tokenByAkSk \
        -d '{"app_key":"demo-app-key","app_secret":"demo-app-secret"}' \
        | sed 's/.*"AccessToken":"\([^"]*\)".*/\1/')" \
      -H 'X-APP-Key: demo-app-key' -H 'Content-Type: application/json' \
      -d '{"customNos":["135****1111","wen11","kehu@*****.com"]}'`},
	{"token by AK/SK", `
    curl {address}/apigovernance/api/oauth/tokenByAkSk \
      -d '{"app_key":"demo-app-key","app_secret":"demo-app-secret"}'`},
	{"what became of the newest erasure", `
    curl -u csr:csr-demo-password "{address}/erasures/$(curl -s -u csr:csr-demo-password \
        '{address}/erasures?limit=1' | sed 's/.*"id":"\([^"]*\)".*/\1/')"`},
	{"its receipt, a few seconds after it was asked for", `
    curl -u csr:csr-demo-password "{address}/erasures/$(curl -s -u csr:csr-demo-password \
        '{address}/erasures?limit=1' | sed 's/.*"id":"\([^"]*\)".*/\1/')/receipt"`},
}

// welcome is the first screen of a stack that is ready: what there is, what to do with
// it, where to look and how to end it. verbose adds the list of what does not run here,
// also for a script.
func (c *console) welcome(st *stack.Stack, d demo, page *docs, root, log string, verbose bool) {
	var b strings.Builder
	fmt.Fprintf(&b, "\ncustomercare answers at %s\n\n", st.URL)
	switch {
	case d.loaded != nil:
		fmt.Fprintf(&b, "Demo data (%s): %s.\n", relative(filepath.Join(root, "infra", "demo")), d)
	case d.kept:
		b.WriteString("The tables were there before: the demo data is not loaded again, " +
			"what was erased stays erased.\n")
	default:
		b.WriteString("No demo data: these are AWS's tables, and its passwords are published. " +
			"`make import` loads records.\n")
	}
	if d.loaded != nil || d.kept {
		allow := strings.NewReplacer(append(allowed(st.Template.Parameters, c.now()), "{address}", st.URL)...)
		b.WriteString("\nEach operation on the demo data, to paste into another terminal:\n")
		for _, call := range calls {
			fmt.Fprintf(&b, "\n  %s\n%s\n", call.operation, allow.Replace(strings.TrimPrefix(call.command, "\n")))
		}
	}
	if page != nil {
		fmt.Fprintf(&b, "\nAll calls, to read and to try: %s\n", page.URL)
	}
	b.WriteString("\nOperators, keys, erasures, import: `make customercare` builds bin/customercare (--help).\n")
	fmt.Fprintf(&b, "Documents: %s, %s. ",
		relative(filepath.Join(root, "README.md")), relative(filepath.Join(root, "SECURITY.md")))
	lines, hint := "each request is a line: time, method, route, status, milliseconds, function",
		" (LOG=json shows them here)"
	if c.json {
		lines, hint = "the log's lines follow", ""
	}
	fmt.Fprintf(&b, "Log: %s, a JSON object a line%s.\n", relative(log), hint)
	if verbose { // before the commands, which it would push away
		for _, what := range st.Template.Ignored {
			c.insist("does not run locally: " + what + "\n")
		}
	} else {
		fmt.Fprintf(&b, "%d parts of template.yaml do not run locally, such as alarms and roles "+
			"(VERBOSE=1 lists them).\n", len(st.Template.Ignored))
	}
	fmt.Fprintf(&b, "Ctrl-C ends it. From here on %s.\n\n", lines)
	c.say(b.String())
}

// allowed is a temporary allow that the operation takes with these parameters of the
// template: any type takes a date, and the date is near enough.
func allowed(parameters map[string]string, now time.Time) []string {
	kind, _, _ := strings.Cut(parameters["TempAllowTypes"], "=")
	ahead := 30 * 24 * time.Hour
	if most, err := time.ParseDuration(parameters["TempAllowMaxAhead"]); err == nil {
		ahead = min(ahead, most/2)
	}
	return []string{"{type}", kind, "{date}", now.Add(ahead).UTC().Format(time.RFC3339)}
}

// relative is the path from the working folder, which is shorter to type, where there is
// one.
func relative(path string) string {
	dir, err := os.Getwd()
	short, relErr := filepath.Rel(dir, path)
	if err == nil && relErr == nil && len(short) < len(path) {
		return short
	}
	return path
}
