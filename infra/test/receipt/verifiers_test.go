package receipt

import (
	"context"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"golang.org/x/mod/sumdb/note"

	"customercare/infra/project"
	"customercare/shared/receipt"
)

// file is the path of one of the verifiers.
func file(t testing.TB, name string) string {
	t.Helper()
	root, err := project.Root()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(root, "docs", name)
}

// question is what a verifier is asked. Receipt is base64 in JSON.
type question struct {
	Receipt    []byte `json:"receipt"`
	Key        string `json:"key"`
	Identifier string `json:"identifier"` // "": not asked for
}

// verdict is what it answers: Fault is "" for a genuine receipt.
type verdict struct {
	Fault string `json:"fault"`
}

// verifiers are the three. Each answers all questions in one go.
var verifiers = []struct {
	name   string
	answer func(t *testing.T, questions []question) []verdict
}{
	{"Go", inGo}, {"Node", inNode}, {"page", inPage},
}

func inGo(t *testing.T, questions []question) []verdict {
	t.Helper()
	verdicts := make([]verdict, len(questions))
	for i, q := range questions {
		key, err := note.NewVerifier(q.Key)
		if err == nil {
			_, err = receipt.Verify(q.Receipt, note.VerifierList(key))
		}
		if err != nil {
			verdicts[i].Fault = err.Error()
		}
	}
	return verdicts
}

// driver runs verify.mjs anew for each question, as the command line would, in one
// process: thousands of processes would take minutes.
const driver = `
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
const [, verifier, folder] = process.argv
const verdicts = [], print = console.log
for (const [i, { receipt, key, identifier }] of JSON.parse(readFileSync(0, 'utf8')).entries()) {
  const file = folder + '/receipt', said = []
  writeFileSync(file, Buffer.from(receipt, 'base64'))
  process.argv = ['node', 'verify.mjs', file, key].concat(identifier ? [identifier] : [])
  process.exitCode = 0
  console.log = line => said.push(line)
  await import(verifier + '?' + i)
  const good = process.exitCode === 0 && said.length === 1 && said[0].startsWith('genuine: ')
  const bad = process.exitCode === 1 && said.length === 1 && said[0].startsWith('refused: ')
  if (good === bad) throw new Error('exit code ' + process.exitCode + ', ' + said)
  verdicts.push({ fault: good ? '' : said[0] })
}
process.exitCode = 0
print(JSON.stringify(verdicts))
`

// node is the path of Node, or the test is skipped.
func node(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("node")
	if err != nil {
		t.Skip("there is no Node here (node), so docs/verify.mjs is not tried")
	}
	return path
}

func inNode(t *testing.T, questions []question) []verdict {
	t.Helper()
	asked, err := json.Marshal(questions)
	if err != nil {
		t.Fatal(err)
	}
	run := exec.CommandContext(t.Context(), node(t), "--input-type=module", "-e", driver, "file://"+file(t, "verify.mjs"), t.TempDir())
	var failed strings.Builder
	run.Stdin, run.Stderr = strings.NewReader(string(asked)), &failed
	out, err := run.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, failed.String())
	}
	var verdicts []verdict
	if err := json.Unmarshal(out, &verdicts); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return verdicts
}

// inPage runs the page's own functions in the browser.
func inPage(t *testing.T, questions []question) []verdict {
	t.Helper()
	ctx, _ := open(t)
	const some = 500 // keeps a message to the browser at a few MB
	var verdicts []verdict
	for len(questions) > 0 {
		n := min(some, len(questions))
		asked, err := json.Marshal(questions[:n])
		if err != nil {
			t.Fatal(err)
		}
		questions = questions[n:]
		verdicts = append(verdicts, evaluate[[]verdict](ctx, t, `(async () => {
			const verdicts = []
			for (const { receipt, key, identifier } of `+string(asked)+`) {
				let fault = ''
				try {
					const found = await check(Uint8Array.from(atob(receipt), c => c.charCodeAt(0)), await readKeys(key), identifier)
					if (!found.statement) fault = 'no statement'
				} catch (error) { fault = error instanceof Error ? error.message : String(error) }
				verdicts.push({ fault })
			}
			return verdicts
		})()`)...)
	}
	return verdicts
}

// evaluate gives the value of a promise in the page.
func evaluate[T any](ctx context.Context, t *testing.T, script string) T {
	t.Helper()
	value, err := chromedp.Run(ctx, chromedp.Evaluate[T](script, chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatalf("%v: %.200s", err, script)
	}
	return value
}
