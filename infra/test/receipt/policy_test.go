package receipt

import (
	"crypto/sha256"
	"encoding/base64"
	"os"
	"regexp"
	"strings"
	"testing"
)

var (
	aStyle  = regexp.MustCompile(`(?s)<style>(.*?)</style>`)
	aScript = regexp.MustCompile(`(?s)<script>(.*?)</script>`)
	hashes  = regexp.MustCompile(`style-src '[^']*'; script-src '[^']*'`)
)

// The page's Content-Security-Policy names its one style and its one script by their
// hashes and allows nothing else, so it can load nothing and send nothing, whatever a
// receipt holds. UPDATE=1 writes the hashes anew.
func TestPolicyOfThePage(t *testing.T) {
	name := file(t, "verify.html")
	source, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	hash := func(part *regexp.Regexp) string {
		found := part.FindAllSubmatch(source, -1)
		if len(found) != 1 {
			t.Fatalf("%d parts %v", len(found), part)
		}
		sum := sha256.Sum256(found[0][1])
		return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	}
	want := "style-src " + hash(aStyle) + "; script-src " + hash(aScript)
	if os.Getenv("UPDATE") == "1" {
		source = hashes.ReplaceAllLiteral(source, []byte(want))
		if err := os.WriteFile(name, source, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	policy := `content="default-src 'none'; ` + want + "; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'\""
	if !strings.Contains(string(source), policy) {
		t.Errorf("UPDATE=1 go test ./infra/test/receipt -run TestPolicyOfThePage writes it anew. The policy has to be\n%s", policy)
	}
	for _, word := range []string{"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "fetch(", "src=", "href="} {
		if strings.Contains(string(source), word) {
			t.Errorf("the page uses %s", word)
		}
	}
}
