package e2e

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"customercare/shared/store"
)

// No log line holds personal data or a secret: when all tests have run, TestMain looks in
// everything that the functions and the stack have logged for every value here, in each
// way it could be written. Values come here by themselves from load (all but the plain
// names of accounts, tenants and campaigns) and from send (tokens); what a test makes up
// otherwise it adds.
var logged = &confidential{values: map[string]bool{digestKey: true, nextDigestKey: true}}

// confidential is what no log may show.
type confidential struct {
	mu     sync.Mutex
	values map[string]bool
}

// shortest is the length in bytes from which on a value is looked for: less occurs by
// chance, e.g. in a time.
const shortest = 7

// ofAFunction is a user's id in a test, and a part of the name of a function.
const ofAFunction = "provision"

// add takes a value in, unless it is too short to be told from others.
func (c *confidential) add(value string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(value) >= shortest && value != ofAFunction {
		c.values[value] = true
	}
}

// plain are the fields whose values are nobody's data.
var plain = []string{"kind", "accountId", "accounts", "tenantId", "campaignId", "at", "amount", "operations",
	"validUntil"}

// records takes in every text of records that are loaded, but for those in plain.
func (c *confidential) records(t testing.TB, records []string) {
	t.Helper()
	var walk func(value any)
	walk = func(value any) {
		switch v := value.(type) {
		case string:
			c.add(v)
		case []any:
			for _, member := range v {
				walk(member)
			}
		case map[string]any:
			for name, member := range v {
				if !slices.Contains(plain, name) {
					walk(member)
				}
			}
		}
	}
	for _, record := range records {
		var value any
		if err := json.Unmarshal([]byte(record), &value); err != nil {
			t.Fatalf("a record is no JSON: %v", err)
		}
		walk(value)
	}
}

var tokens = regexp.MustCompile(`"AccessToken":"([^"]+)"`)

// token takes in the token of an answer of operation 5.
func (c *confidential) token(answer []byte) {
	for _, match := range tokens.FindAllSubmatch(answer, -1) {
		c.add(string(match[1]))
	}
}

// forms are the ways in which a log could show value.
func forms(value string) []string {
	quoted, _ := json.Marshal(value)
	hash := sha256.Sum256([]byte(value))
	all := []string{
		value, strings.Trim(string(quoted), `"`), hex.EncodeToString([]byte(value)), hex.EncodeToString(hash[:]),
		base64.StdEncoding.EncodeToString(hash[:]), url.QueryEscape(value), url.PathEscape(value),
		strings.ToLower(url.QueryEscape(value)),
	}
	// In base64 the letters depend on where among three bytes value begins; those that
	// its neighbours change are left out. This finds it within "name:password", too.
	for before := range 3 {
		text := base64.RawStdEncoding.EncodeToString(append(make([]byte, before), value...))
		from, to := (before*8+5)/6, (before+len(value))*8/6
		all = append(all, text[from:to], strings.NewReplacer("+", "-", "/", "_").Replace(text[from:to]))
	}
	return slices.DeleteFunc(all, func(form string) bool { return len(form) < shortest })
}

// in lists the lines of text that hold a value.
func (c *confidential) in(text string) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	byStart := map[string][]string{}
	for value := range c.values {
		for _, form := range forms(value) {
			byStart[form[:shortest]] = append(byStart[form[:shortest]], form)
		}
	}
	var found []string
	for line := range strings.Lines(text) {
		for i := 0; i+shortest <= len(line); i++ {
			at := slices.IndexFunc(byStart[line[i:i+shortest]],
				func(form string) bool { return strings.HasPrefix(line[i:], form) && !withinNumber(line, i, form) })
			if at >= 0 {
				found = append(found, byStart[line[i:i+shortest]][at]+" in "+line)
				break
			}
		}
	}
	return found
}

// withinNumber says whether form, which begins in the line at i, is some digits of a
// longer number or word. Times and random ids hold any seven digits, sooner or later.
func withinNumber(line string, i int, form string) bool {
	if strings.Trim(form, "0123456789") != "" {
		return false
	}
	before, behind := line[:i], line[i+len(form):]
	const inWords = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ."
	return before != "" && strings.ContainsRune(inWords, rune(before[len(before)-1])) ||
		behind != "" && strings.ContainsRune(inWords, rune(behind[0]))
}

// kept is what stays of callers and data subjects when all is done: records of erasures,
// the pointers of those who were erased lately, counts of failed attempts. By whom and in
// which account or tenant an erasure was asked for is said there on purpose.
func kept(database *dynamodb.Client) (string, error) {
	var all strings.Builder
	named := regexp.MustCompile(`"(requestedBy|scope)":\{"Value":"(?:[^"\\]|\\.)*"\}` + // and in statements
		`|\\"scope\\":\\".*?\\",\\"by\\":\\".*?\\",\\"(?:accepted|hold|because)\\"`)
	for _, table := range []string{"Erasures", "Principals"} {
		pages := dynamodb.NewScanPaginator(database, &dynamodb.ScanInput{TableName: aws.String(running.Table(table))})
		for pages.HasMorePages() {
			page, err := pages.NextPage(context.Background())
			if err != nil {
				return "", err
			}
			for _, item := range page.Items {
				text, _ := json.Marshal(item)
				if keptItem.Match(text) {
					all.Write(named.ReplaceAll(text, nil))
					all.WriteByte('\n')
				}
			}
		}
	}
	return all.String(), nil
}

var keptItem = regexp.MustCompile(`"(erasureId":\{"Value":"(erasure-|subjects-|customer-[^"]*"\},"expires)|principal":\{"Value":"` + store.FailuresPrefix + `)`)

// The search itself can fail: it finds every form of a value, wherever it stands, and
// nothing else.
func TestLogSearchFindsEveryForm(t *testing.T) {
	c := &confidential{values: map[string]bool{}}
	c.records(t, []string{
		`{"kind":"customer","accountId":"some-account","code":"code\"<1>/é?","more":{"list":["nested-value"]}}`,
		`{"kind":"operator","name":"operator-name","password":"operator-password"}`,
	})
	c.token([]byte(`{"AccessToken":"token-token","ApplyType":"Bearer"}`))
	for _, value := range []string{`code"<1>/é?`, "nested-value", "operator-name", "operator-password", "token-token"} {
		hash := sha256.Sum256([]byte(value))
		quoted, _ := json.Marshal(map[string]string{"msg": "x" + value + "x"})
		for _, line := range []string{
			"x" + value + "x", string(quoted), url.QueryEscape(value), "/path/" + url.PathEscape(value) + "/x",
			hex.EncodeToString(hash[:]), base64.StdEncoding.EncodeToString([]byte(value)),
			base64.StdEncoding.EncodeToString([]byte("n:" + value)),
			base64.URLEncoding.EncodeToString([]byte("x" + value + "yz")),
		} {
			if found := c.in("before\nfn: " + line + "\nbehind"); len(found) != 1 {
				t.Errorf("%q is not found in %q", value, line)
			}
		}
	}
	if found := c.in("some-account operator customer token nested"); len(found) != 0 {
		t.Errorf("found %q", found)
	}
	c.add("4390603")
	for line, want := range map[string]int{
		"m=+84.390603384": 0, "m=+84390603384": 0, "1-6b4390603b": 0, "number 4390603, held": 1, `{"a":"4390603"}`: 1,
		"4390603": 1, "tenant#4390603#x": 1,
	} {
		if found := c.in(line); len(found) != want {
			t.Errorf("found %q in %q", found, line)
		}
	}
}

// The functions' lines and the search come together in logs, else the search would prove
// nothing.
func TestLogsAreKept(t *testing.T) {
	send(t, "POST", "/", "", urlencoded)
	for _, line := range []string{"delete-customer: ", `"Operation":"delete-customer"`} {
		if !strings.Contains(logs.String(), line) {
			t.Errorf("no %q in the log", line)
		}
	}
}
