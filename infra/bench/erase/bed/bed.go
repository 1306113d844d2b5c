// Package bed is the local stack that erasures are measured on: who may ask for them, what there is to erase, the programs
// that it is compared with, and what memory the functions have had.
package bed

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"customercare/infra/bench/setup"
	"customercare/infra/importer"
	"customercare/infra/local/stack"
)

// Who asks, and for what. The data is made up and lives as long as the DynamoDB Local.
const (
	Account      = "bench-account"
	Tenant       = "bench-tenant"
	apiUser, key = "bench-user", "bench-key-0123456789abcdef"
	app, secret  = "bench-app", "bench-secret-0123456789abcdef"
)

// DeletePath is where a customer is deleted, by a POST of DeleteForm.
const DeletePath = "/api.php"

// DeleteForm is the urlencoded body that deletes the customer with this code.
func DeleteForm(code string) string {
	return url.Values{"user_id": {apiUser}, "user_password": {key}, "type": {"customer_delete"}, "account_id": {Account}, "code": {code}}.Encode()
}

// Deleted is what every right answer to it holds.
const Deleted = `<customer status="deleted">`

// Bed is a running stack. All limits of rates are out of the way; what is not said at Start is the template's.
type Bed struct {
	*stack.Stack
	setup  setup.Setup
	client *http.Client
	token  string

	// Looked, when set, is called after each look that has found something left (UntilGone).
	Looked func()
}

// Start starts a stack on tables of its own, whose names begin with prefix.
func Start(ctx context.Context, s setup.Setup, prefix string) (_ *Bed, err error) {
	st, err := stack.Start(ctx, stack.Options{
		Root: s.Root, Endpoint: s.Endpoint, BinDir: s.Bin, TablePrefix: fmt.Sprintf("%s%d-", prefix, time.Now().UnixNano()), Log: s.Log,
		Parameters: map[string]string{"DeleteRate": "10000", "CleanRate": "10000", "TokenRate": "10000", "ThrottleBurst": "5000"},
	})
	if err != nil {
		return nil, err
	}
	// A client of its own: connections of others do not count, and all are gone with it.
	b := &Bed{Stack: st, setup: s, client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 4}}}
	defer func() {
		if err != nil {
			b.Close()
		}
	}()
	records := fmt.Sprintf(`{"kind":"apiUser","name":%q,"key":%q,"accounts":[%q]}`+"\n"+`{"kind":"app","name":%q,"secret":%q,"tenantId":%q}`+"\n",
		apiUser, key, Account, app, secret, Tenant)
	var refused error
	_, err = importer.Load(ctx, importer.Options{
		Client: st.DynamoDB(), Tables: importer.Tables{Principals: st.Table("Principals")},
		Report: func(line int, sentence string) { refused = fmt.Errorf("principal %d: %s", line, sentence) },
	}, strings.NewReader(records))
	if err == nil {
		err = refused
	}
	if err != nil {
		return nil, fmt.Errorf("load principals: %w", err)
	}
	said, err := b.post(ctx, "/apigovernance/api/oauth/tokenByAkSk", "application/json", `{"app_key":"`+app+`","app_secret":"`+secret+`"}`)
	if err != nil {
		return nil, fmt.Errorf("no token: %w", err)
	}
	var token struct{ AccessToken string }
	if err := json.Unmarshal(said, &token); err != nil || token.AccessToken == "" {
		return nil, fmt.Errorf("no token: %s", said)
	}
	b.token = token.AccessToken
	return b, nil
}

// Close ends everything that Start started. The tables stay.
func (b *Bed) Close() {
	b.client.CloseIdleConnections()
	b.Stack.Close()
}

// Delete asks for the erasure of the customer with this code. Any other answer than "deleted" is an error.
func (b *Bed) Delete(ctx context.Context, code string) error {
	said, err := b.post(ctx, DeletePath, "application/x-www-form-urlencoded", DeleteForm(code))
	if err == nil && !strings.Contains(string(said), Deleted) {
		err = fmt.Errorf("%s: %s", DeletePath, said)
	}
	return err
}

// Clean asks for the erasure of all contacts of the numbers. Any other answer than success is an error.
func (b *Bed) Clean(ctx context.Context, numbers []string) error {
	body, err := json.Marshal(map[string][]string{"customNos": numbers})
	if err != nil {
		return err
	}
	const path = "/apiaccess/CC-Management/v1/clearUserInfo/cleancustpersonaldata"
	said, err := b.post(ctx, path, "application/json", string(body))
	if err == nil && string(said) != `{"retCode":"0","retMsg":"VerifyParams success"}` {
		err = fmt.Errorf("%s: %s", path, said)
	}
	return err
}

func (b *Bed) post(ctx context.Context, path, media, body string) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, b.URL+path, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", media)
	if b.token != "" {
		r.Header.Set("Authorization", "Bearer "+b.token)
	}
	answer, err := b.client.Do(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	said, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: status %d: %s", path, answer.StatusCode, said)
	}
	return said, err
}
