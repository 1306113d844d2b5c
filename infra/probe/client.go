package probe

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// client sends requests as a client of the API does, one at a time.
type client struct {
	base    string
	http    http.Client
	secrets []string // that were put in, in every form in which they are sent
	tokens  []string // all that were ever in an answer
	lost    bool     // an answer that may have held a token did not arrive
	nobody  bool     // nobody answers at base
}

// Bounds of one call: API Gateway itself gives up after 29 s.
const (
	callTimeout = 30 * time.Second
	answerLimit = 1 << 20
	busyTries   = 4
)

func newClient(base string, secrets []string) *client {
	return &client{base: base, secrets: secrets, http: http.Client{
		Timeout:       callTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   string
	mask   func(string) string
}

var (
	accessToken = regexp.MustCompile(`"AccessToken"\s*:\s*"([^"]+)"`)
	// likeAToken is a token in an answer that is not as it should be, so that its value is not known.
	likeAToken = regexp.MustCompile(`(?i)(AccessToken[^A-Za-z0-9]{1,8}|Bearer )[A-Za-z0-9._~+/-]{8,}`)
)

// mask takes secrets and tokens out of what is to be shown: an answer that is wrong may hold anything that was sent.
func (c *client) mask(text string) string {
	for _, secret := range slices.Concat(c.secrets, c.tokens) {
		text = strings.ReplaceAll(text, secret, "***")
	}
	return likeAToken.ReplaceAllString(text, "$1***")
}

// masked writes without secrets. Each Write is one line.
type masked struct {
	client *client
	out    io.Writer
}

func (m masked) Write(line []byte) (int, error) {
	if _, err := io.WriteString(m.out, m.client.mask(string(line))); err != nil {
		return 0, err
	}
	return len(line), nil
}

func (a answer) String() string {
	body := a.mask(a.body) // before it is cut: half a secret is one too
	if len(body) > 400 {
		body = body[:400] + "..."
	}
	return fmt.Sprintf("%d %s %s", a.status, a.header.Get("Content-Type"), strconv.QuoteToGraphic(body))
}

// send makes a call. path goes out as it is written; headers are "Name: value". A call that is refused for its rate is made
// again: a stack may allow fewer calls a second than come here.
func (p *probe) send(ctx context.Context, method, path, body string, headers ...string) (answer, error) {
	for try := 1; ; try++ {
		a, err := p.client.send(ctx, method, path, body, headers)
		if err != nil || a.status != http.StatusTooManyRequests || try == busyTries {
			return a, err
		}
		p.note("429 at first")
		if err := p.wait(ctx, time.Second); err != nil {
			return a, err
		}
	}
}

func (c *client) send(ctx context.Context, method, path, body string, headers []string) (answer, error) {
	r, err := http.NewRequestWithContext(ctx, method, c.base+path, strings.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header[name] = append(r.Header[name], value) // as written: no canonical case
	}
	response, err := c.http.Do(r)
	if err != nil {
		if dial, ok := errors.AsType[*net.OpError](err); ok && dial.Op == "dial" {
			c.nobody = true // also when the host is not known
			return answer{}, fmt.Errorf("nobody answers there: %w", err)
		}
		c.lost = c.lost || path == tokenPath
		return answer{}, fmt.Errorf("%s %s: no answer: %w", method, path, err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, answerLimit))
	if err != nil {
		c.lost = c.lost || path == tokenPath
		return answer{}, fmt.Errorf("%s %s: the answer broke off: %w", method, path, err)
	}
	for _, match := range accessToken.FindAllSubmatch(text, -1) {
		c.tokens = append(c.tokens, string(match[1]))
	}
	return answer{response.StatusCode, response.Header, string(text), c.mask}, nil
}

func basic(name, password string) string {
	return "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(name+":"+password))
}

// The types that answers have.
const (
	jsonType   = "application/json"
	xmlType    = "application/xml"
	scriptType = "application/javascript"
)

// is checks an answer of a function, word for word.
func (a answer) is(status int, mediaType, body string) error {
	if a.status != status || a.body != body {
		return fmt.Errorf("got %s, want %d %s %q", a, status, mediaType, body)
	}
	return a.fromFunction(mediaType)
}

// matches checks an answer of a function whose words are not all laid down, and returns what the pattern's groups matched.
func (a answer) matches(status int, mediaType string, pattern *regexp.Regexp) ([]string, error) {
	groups := pattern.FindStringSubmatch(a.body)
	if a.status != status || groups == nil {
		return nil, fmt.Errorf("got %s, want %d like %s", a, status, pattern)
	}
	return groups, a.fromFunction(mediaType)
}

// fromFunction checks type and headers of a function's answer.
func (a answer) fromFunction(mediaType string) error {
	if err := a.hasType(mediaType); err != nil {
		return err
	}
	return a.secured()
}

// secured checks the headers that every answer carries.
func (a answer) secured() error {
	for _, header := range []string{"Cache-Control: no-store", "X-Content-Type-Options: nosniff", "Strict-Transport-Security: max-age=31536000; includeSubDomains"} {
		name, want, _ := strings.Cut(header, ": ")
		if got := a.header.Get(name); got != want {
			return fmt.Errorf("%s is %q, want %s: %s", name, got, want, a)
		}
	}
	return nil
}

func (a answer) hasType(mediaTypes ...string) error {
	got, parameters, err := mime.ParseMediaType(a.header.Get("Content-Type"))
	charset := parameters["charset"]
	if err != nil || !slices.Contains(mediaTypes, got) || charset != "" && !strings.EqualFold(charset, "utf-8") {
		return fmt.Errorf("Content-Type is %q, want %s", a.header.Get("Content-Type"), strings.Join(mediaTypes, " or "))
	}
	return nil
}

// challenged checks that a 401 tells how to authorize. API Gateway passes WWW-Authenticate on under another name when a
// function says it, and under its own when the gateway does.
func (p *probe) challenged(a answer, challenge string) error {
	for _, name := range []string{"Www-Authenticate", "X-Amzn-Remapped-Www-Authenticate"} {
		if a.header.Get(name) == challenge {
			p.note("challenge in %s", strings.ToLower(name))
			return nil
		}
	}
	if got := a.header["Www-Authenticate"]; got != nil {
		return fmt.Errorf("WWW-Authenticate is %q, want %s", got, challenge)
	}
	return errors.New("the 401 has no WWW-Authenticate")
}
