package clients

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/repr"
	"golang.org/x/mod/sumdb/note"

	"customercare/infra/client"
	"customercare/infra/fixture"
	"customercare/infra/testkit/dynamotest"
	"customercare/shared/operation"
	"customercare/shared/receipt"
	"customercare/shared/statement"
)

// language is how a program of docs/clients.md is run.
type language struct {
	file  string              // what the block is saved as
	needs []string            // commands; the first that is missing skips the test
	also  func() (err error)  // what else it needs; nil: nothing
	build func() []string     // nil: nothing is built
	run   func() []string     // in the folder of the file
	user  func(string) string // how the page says that the user's id is given; nil: as it is
}

// languages by the info string of their blocks.
var languages = map[string]language{
	"sh": {
		file: "care.sh", needs: []string{"sh", "curl", "sed"}, run: words("sh care.sh"),
		user: func(id string) string { return strings.NewReplacer("/", "%2F", " ", "%20").Replace(id) },
	},
	"php": {file: "care.php", needs: []string{"php"}, run: words("php care.php"), also: func() error {
		if exec.Command("php", "-r", "exit(extension_loaded('curl') ? 0 : 1);").Run() != nil {
			return fmt.Errorf("PHP has no extension curl here (apt-get install php-curl)")
		}
		return nil
	}},
	"python": {file: "care.py", needs: []string{"python3"}, run: words("python3 care.py")},
	"js":     {file: "care.mjs", needs: []string{"node"}, run: words("node care.mjs")},
	"java": {
		file: "Care.java", needs: []string{"java", "javac"},
		also: func() error {
			if jackson() == "" {
				return fmt.Errorf("Jackson is not here (apt-get install libjackson2-databind-java)")
			}
			return nil
		},
		build: func() []string { return []string{"javac", "-cp", jackson(), "Care.java"} },
		run: func() []string {
			return []string{"java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp", ".:" + jackson(), "Care"}
		},
	},
	"csharp": {
		file: "Care.cs", needs: []string{"mcs", "mono"},
		also: func() error {
			const library = "/usr/lib/mono/4.5/System.Net.Http.dll"
			if _, err := os.Stat(library); err != nil {
				return fmt.Errorf("Mono has no System.Net.Http here (apt-get install libmono-system-net-http4.0-cil libmono-system-runtime-serialization4.0-cil)")
			}
			return nil
		},
		build: words("mcs -r:System.Net.Http -r:System.Runtime.Serialization Care.cs"), run: words("mono Care.exe"),
	},
	"go": {file: "main.go", needs: []string{"go"}, build: words("go build -o care main.go"), run: words("./care")},
}

func words(command string) func() []string { return func() []string { return strings.Fields(command) } }

// jackson is a class path with Jackson, "" for none: Debian's, or that of DynamoDB Local.
func jackson() string {
	for _, pattern := range []string{
		"/usr/share/java/jackson-*.jar", filepath.Join(dynamotest.Root(), ".cache", "*", "DynamoDBLocal_lib", "jackson-*.jar"),
	} {
		if jars, _ := filepath.Glob(pattern); len(jars) > 0 {
			return strings.Join(jars, ":")
		}
	}
	return ""
}

// block is fenced code of docs/clients.md.
type block struct{ language, text string }

func blocks(t *testing.T) (all []block) {
	t.Helper()
	page, err := os.ReadFile(filepath.Join(dynamotest.Root(), "docs", "clients.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, found := range regexp.MustCompile("(?ms)^```(\\w*)\n(.*?)^```$").FindAllStringSubmatch(string(page), -1) {
		all = append(all, block{found[1], found[2]})
	}
	return all
}

// TestPrograms runs every program of docs/clients.md as it stands, against data of its
// own: what it asks to be erased is gone, and nothing else, and its receipts verify. With
// a wrong secret it ends with the API's sentence, and has erased nothing.
func TestPrograms(t *testing.T) {
	t.Parallel()
	all := blocks(t)
	settings := map[string]string{}
	for _, s := range regexp.MustCompile(`(CARE_\w+)=(\S+)`).FindAllStringSubmatch(all[0].text, -1) {
		settings[s[1]] = s[2]
	}
	if len(settings) != 12 || settings["CARE_API_KEY"] != "1959caadac9b13dcb3" {
		t.Fatalf("the first block of the page has the settings %q", settings)
	}
	tested := []string{}
	for _, b := range all[1:] {
		if b.language == "nginx" { // TestProxy
			continue
		}
		l, known := languages[b.language]
		if !known || slices.Contains(tested, b.language) {
			t.Errorf("a block in %q, which nothing tests: %s", b.language, b.text)
			continue
		}
		tested = append(tested, b.language)
		t.Run(b.language, func(t *testing.T) {
			t.Parallel()
			for _, command := range l.needs {
				if _, err := exec.LookPath(command); err != nil {
					t.Skip(command + " is not installed, so the program is not tried")
				}
			}
			if l.also != nil {
				if err := l.also(); err != nil {
					t.Skip(err)
				}
			}
			try(t, b, l, settings)
		})
	}
	if len(tested) != len(languages) {
		t.Errorf("the page has programs in %q", tested)
	}
}

// try runs one program.
func try(t *testing.T, b block, l language, settings map[string]string) {
	dir, own := t.TempDir(), "client-"+b.language
	if err := os.WriteFile(filepath.Join(dir, l.file), []byte(b.text), 0o600); err != nil {
		t.Fatal(err)
	}
	if l.build != nil {
		if said, err := command(dir, l.build()).CombinedOutput(); err != nil {
			t.Fatalf("%v: %.1000s", err, said)
		}
	}
	user, number := "a user/"+own, settings["CARE_NUMBER"]
	fill(t, own, user, settings["CARE_CODE"], number)
	changed := map[string]string{
		"CARE_URL": running.URL, "CARE_WAIT": "1", "CARE_USER": user,
		"CARE_OPERATOR": own, "CARE_OPERATOR_PASSWORD": "pässword: of " + own,
		"CARE_API_USER": own, "CARE_API_KEY": "key-0123456789+&%" + own, "CARE_ACCOUNT": own,
		"CARE_APP_KEY": own, "CARE_APP_SECRET": "secret-0123456789abcdef",
	}
	if l.user != nil {
		changed["CARE_USER"] = l.user(user)
	}
	run := func(name, value string) (string, error) {
		c := command(dir, l.run())
		for _, from := range []map[string]string{settings, changed, {name: value}} {
			for name, value := range from {
				c.Env = append(c.Env, name+"="+value)
			}
		}
		said, err := c.CombinedOutput()
		return string(said), err
	}
	for _, wrong := range []struct{ setting, sentence, kept string }{
		{"CARE_OPERATOR_PASSWORD", "Authorization is missing or wrong", "device of " + own},
		{"CARE_API_KEY", "user_id, user_password or account_id is wrong", "customer of " + own},
	} {
		said, err := run(wrong.setting, "wrong")
		if err == nil || !strings.Contains(said, wrong.sentence) || !stored(t, wrong.kept) {
			t.Errorf("with a wrong %s: %v, %.1000s", wrong.setting, err, said)
		}
	}
	if said, err := run("CARE_WAIT", "1"); err != nil {
		t.Fatalf("%v: %.1000s", err, said)
	}
	for _, gone := range []string{"device of ", "customer of ", "transaction of ", "contact of "} {
		if stored(t, gone+own) {
			t.Errorf("the %s%s is there", gone, own)
		}
	}
	for _, kept := range []string{"questions of ", "another customer of ", "another contact of "} {
		if !stored(t, kept+own) {
			t.Errorf("the %s%s is gone", kept, own)
		}
	}
	checkReceipt(t, filepath.Join(dir, "customer.receipt"), "customer", own)
	checkReceipt(t, filepath.Join(dir, "numbers.receipt"), "numbers", own)
}

// command is one in a folder, that asks no proxy.
func command(dir string, line []string) *exec.Cmd {
	c := exec.Command(line[0], line[1:]...)
	c.Dir = dir
	c.Env = append(os.Environ(), "NO_PROXY=*", "no_proxy=*")
	return c
}

// fill loads what a program erases, and as much that it must not. Each text names whose
// it is.
func fill(t *testing.T, own, user, code, number string) {
	t.Helper()
	contact := func(id, number, text string) fixture.Record {
		return fixture.Contact(own, id, number, "agent").With("content", text)
	}
	var lines []string
	for _, r := range []fixture.Record{
		fixture.Operator(own, "pässword: of "+own), fixture.APIUser(own, "key-0123456789+&%"+own, own),
		fixture.App(own, "secret-0123456789abcdef", own),
		fixture.User(user).With("devices", fixture.Fields{"d": fixture.Fields{"name": "device of " + own}}).
			With("questions", fixture.Fields{"q": fixture.Fields{"question": "questions of " + own}}),
		fixture.Customer(own, code).With("name", "customer of "+own),
		fixture.Transaction(own, code, 0).With("note", "transaction of "+own),
		fixture.Customer(own, "other").With("name", "another customer of "+own),
		contact("1", number, "contact of "+own), contact("2", "other", "another contact of "+own),
	} {
		lines = append(lines, r.String())
	}
	if err := load(t.Context(), strings.Join(lines, "\n")); err != nil {
		t.Fatal(err)
	}
}

// stored says whether a text is the value of a field in any table.
func stored(t *testing.T, text string) bool {
	t.Helper()
	for _, id := range []string{"Users", "Customers", "Contacts"} {
		for _, line := range dynamotest.Dump(t, database, running.Table(id)) {
			if strings.Contains(line, `"`+text+`"`) || strings.Contains(line, `\"`+text+`\"`) {
				return true
			}
		}
	}
	return false
}

// checkReceipt wants a file to be the receipt of an erasure's end.
func checkReceipt(t *testing.T, file, kind, scope string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	c := client.Client{Base: running.URL, HTTP: http.DefaultClient}
	key, err := c.Send(t.Context(), client.Read(operation.ReadLogKey, "").With(client.Basic("csr", "csr-demo-password")))
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := note.NewVerifier(strings.TrimSpace(key.Body))
	if err != nil {
		t.Fatal(err)
	}
	v, err := receipt.Verify(text, note.VerifierList(verifier))
	if err != nil || v.Statement.Type != statement.Erased || v.Statement.Kind != kind || v.Statement.Scope != scope {
		t.Errorf("%s: %v: %s", file, err, repr.String(v))
	}
}
