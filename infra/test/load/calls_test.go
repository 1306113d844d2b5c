package load

import (
	"fmt"
	"net/http"
	"slices"

	"customercare/infra/client"
)

const deletionsOfUsers = "DELETE of a user"

// asOperator is a call of operation 1 or 2: every other one under the other base path and
// every third with an answer in XML.
func (p *plan) asOperator(kind string, r client.Request, status int, sentence string) *call {
	turn := p.turns(r.Method)
	c := &call{kind: kind, Request: r.Under(turn%2).As(operator, password)}
	media := client.JSON
	if turn%3 == 0 {
		media = client.XML
		c.Request = c.With(client.AcceptXML)
	}
	c.want.Expected = client.Done(media)
	if status != http.StatusOK {
		c.want.Expected = client.NotDone(media, status, sentence)
	}
	return c
}

func (p *plan) deleteInfo() *call {
	turn := p.turns(deletionsOfUsers)
	kind := deletions[turn%len(deletions)]
	user := userOf(kind, turn/len(deletions)%usersOfKind)
	c := p.asOperator(deleteInfo, client.DeleteCustomerInfo(user, kind+"=true"), 200, "")
	c.effect = func(b *book) { b.users[user] = true }
	return c
}

func (p *plan) unknownUser() *call {
	return p.asOperator(deleteInfo, client.DeleteCustomerInfo("nobody", "reset=true"), 404, "Customer ID not found")
}

// nobody has no Authorization at all: API Gateway refuses by itself.
func (p *plan) nobody() *call {
	r := client.DeleteCustomerInfo(userOf(deletions[0], 0), "reset=true").Under(p.turns("DELETE") % 2)
	return &call{kind: deleteInfo, Request: r, want: p.m.gateway("UNAUTHORIZED", 401)}
}

func (p *plan) wrongPassword() *call {
	c := p.nobody()
	c.Request = c.As(operator, "wrong")
	return c
}

func (p *plan) setAllow() *call {
	turn := p.turns("allow")
	user := userOf(allowed, turn%usersOfKind)
	kind, media := fmt.Sprint(turn%3+1), client.JSON
	if turn%5 == 0 {
		media = client.XML
	}
	c := p.asOperator(setAllow, client.SetTemporaryAllow(user, client.Allow{Type: kind, Expires: p.m.expires}, media),
		200, "")
	if media == client.XML { // without Accept the answer follows the body
		c.want.Expected = client.Done(client.XML)
	}
	c.effect = func(b *book) { b.users[user], b.allows[user+" "+kind] = true, true }
	return c
}

func (p *plan) wrongAllow() *call {
	r := client.SetTemporaryAllow(userOf(allowed, 0), client.Allow{Type: "9"}, client.JSON)
	return p.asOperator(setAllow, r, 400, "tempAllowType must be an integer, one of 1, 2, 3")
}

// remove is a call of operation 3, in turn under both paths and in all formats.
func (p *plan) remove(code, key, sentence string) *call {
	turn := p.turns(deleteCustomer)
	changes := [][]string{
		nil, {"output", "JSON", "condensed", "yes"}, {"callback", client.Callback, "condensed", "yes"},
	}[turn%3]
	media := []string{client.XML, client.JSON, client.Script}[turn%3]
	by := client.APIUser{Name: apiUser, Key: key, Account: account}
	r := client.DeleteCustomer(by, code, append(changes, "API", "1.6")...).Under(1 - turn%2)
	want := client.Deleted(media, code)
	if sentence != "" {
		want = client.NotDeleted(media, sentence)
	}
	return &call{kind: deleteCustomer, Request: r, want: answer{Expected: want}}
}

func (p *plan) deleteCustomer() *call {
	n := p.turns("codes")
	if n >= p.m.codes {
		return nil
	}
	c := p.remove(codeOf(n), key, "")
	c.effect = func(b *book) { b.codes[codeOf(n)] = true }
	return c
}

// deleteAgain repeats a deletion, which may be under way, done, or refused for the rate:
// then this one does it.
func (p *plan) deleteAgain() *call {
	last := p.turn["codes"] - 1
	if last < 0 {
		return p.unknownCode()
	}
	n := max(0, last-p.random.IntN(20))
	c := p.remove(codeOf(n), key, "")
	c.effect = func(b *book) { b.codes[codeOf(n)] = true }
	return c
}

func (p *plan) unknownCode() *call {
	return p.remove("0"+codeOf(0), key, "code is not the code of a customer of this account")
}

func (p *plan) wrongKey() *call {
	return p.remove(neighbourCode(0), "wrong", "user_id, user_password or account_id is wrong")
}

func (p *plan) clean() *call {
	n := p.turns("numbers")
	if n >= p.m.cleans {
		return nil
	}
	numbers := numbersOf(n)
	sent := slices.Concat(numbers, []string{"nobody's", numbers[0]})
	return &call{
		kind: cleanData, Request: client.CleanCustomerData(sent...).Bearer(p.m.token),
		want: answer{Expected: client.Cleaned},
		effect: func(b *book) {
			b.cleans++
			for _, number := range numbers {
				b.numbers[number] = true
			}
		},
	}
}

func (p *plan) wrongToken() *call {
	r := client.CleanCustomerData(stranger).Bearer("wrong")
	return &call{kind: cleanData, Request: r, want: p.m.gateway("ACCESS_DENIED", 401)}
}

func (p *plan) token() *call {
	want := answer{Expected: client.Expected{Status: 200, Media: client.JSON}, pattern: client.Issued(app, "600")}
	return &call{kind: issueToken, Request: client.IssueToken(app, secret), want: want}
}

func (p *plan) wrongSecret() *call {
	return &call{
		kind: issueToken, Request: client.IssueToken(app, "wrong"),
		want: answer{Expected: client.Failed(401, "app_key or app_secret is wrong")},
	}
}
