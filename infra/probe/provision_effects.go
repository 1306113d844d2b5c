package probe

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Operations 1 and 2: what they do.

func (p *probe) provisionEffects() []check {
	kinds := p.allowTypes()
	return []check{
		{"a temporary allow is set, in JSON", func(ctx context.Context) error {
			date := soon(10 * time.Minute)
			body := fmt.Sprintf(`{"tempAllowType":%s,"expirationDate":"%s"}`, kinds[0], date.Format(rfc3339Millis))
			return p.sets(ctx, 0, kinds[0], date, body, doneJSON, jsonType, bodyJSON)
		}, false},
		{"a temporary allow is set, in XML", func(ctx context.Context) error {
			date := soon(11 * time.Minute)
			kind := kinds[len(kinds)-1]
			return p.sets(ctx, 1, kind, date, allowXML(kind, date.Format(rfc3339Millis)), doneXML, xmlType, bodyXML, acceptXML)
		}, false},
		{"of three deletions only the first is done: temporary allows are gone", func(ctx context.Context) error {
			return p.deletes(ctx, p.user, 1, "reset=true&unregisterDevices=true&cancelAllTemporaryAllows=true", func(user item) {
				user["tempAllows"] = &types.AttributeValueMemberM{Value: item{}}
			})
		}, false},
		{"devices are gone", func(ctx context.Context) error {
			return p.deletes(ctx, p.user, 0, "unregisterDevices=true", func(user item) { delete(user, "devices") })
		}, false},
		{"registration, questions, images and phrases are gone", func(ctx context.Context) error {
			return p.deletes(ctx, p.user, 0, "reset=TRUE", func(user item) {
				for _, name := range []string{"registration", "questions", "images", "phrases"} {
					delete(user, name)
				}
			})
		}, false},
		{"a customer ID of any characters is found", func(ctx context.Context) error {
			return p.deletes(ctx, p.neighbour, 1, "unregisterDevices=true", func(user item) { delete(user, "devices") })
		}, false},
	}
}

const rfc3339Millis = "2006-01-02T15:04:05.000Z07:00"

func soon(d time.Duration) time.Time { return time.Now().Add(d).UTC().Truncate(time.Millisecond) }

func allowXML(kind, date string) string {
	return `<?xml version="1.0" encoding="UTF-8" ?><TempAllowRequest><tempAllowType>` + kind + `</tempAllowType><expirationDate>` + date +
		`</expirationDate></TempAllowRequest>`
}

// allowTypes is the deployment's enumeration of temporary allows.
func (p *probe) allowTypes() []string {
	enumeration, ok := p.Deployment.Parameters["TempAllowTypes"]
	if !ok {
		enumeration = "1=24h,2=2h,3=date" // the template's default
	}
	var kinds []string
	for entry := range strings.SplitSeq(enumeration, ",") {
		kind, _, _ := strings.Cut(entry, "=")
		kinds = append(kinds, kind)
	}
	return kinds
}

func (p *probe) unknownType() string {
	for n := 0; ; n++ {
		if kind := strconv.Itoa(n); !slices.Contains(p.allowTypes(), kind) {
			return kind
		}
	}
}

// sets sets a temporary allow and checks that it stands, ours, until the date, and that nothing else of the user changed.
func (p *probe) sets(ctx context.Context, base int, kind string, date time.Time, body, done, mediaType string, headers ...string) error {
	a, err := p.send(ctx, "PUT", p.at(base, p.user), body, append(headers, p.csr())...)
	if err != nil {
		return err
	}
	if err := a.is(200, mediaType, done); err != nil {
		return err
	}
	got, err := p.read(ctx, p.userPlace())
	if err != nil {
		return err
	}
	if len(got) != 1 {
		return errors.New("the user is gone")
	}
	all, _ := got[0]["tempAllows"].(*types.AttributeValueMemberM)
	if all == nil {
		return errors.New("no temporary allow stands")
	}
	allow, _ := all.Value[kind].(*types.AttributeValueMemberM)
	if allow == nil {
		return fmt.Errorf("no temporary allow of type %s stands", kind)
	}
	expires, _ := allow.Value["expires"].(*types.AttributeValueMemberN)
	if expires == nil || expires.Value != strconv.FormatInt(date.UnixMilli(), 10) || textOf(allow.Value, "grantedBy") != p.operator {
		return fmt.Errorf("the temporary allow of type %s stands with another date, or as another's", kind)
	}
	p.want[p.userPlace()][0]["tempAllows"].(*types.AttributeValueMemberM).Value[kind] = allow // who granted it when is the product's own
	return p.stands(ctx, p.userPlace())
}

// deletes does one deletion, as XML and again as JSON, and checks after each that the user is exactly what it leaves.
func (p *probe) deletes(ctx context.Context, user string, base int, query string, change func(item)) error {
	at := place{p.Deployment.Tables.Users, "customerId", user}
	if len(p.want[at]) == 1 {
		change(p.want[at][0])
	}
	for _, format := range []struct{ accept, mediaType, done string }{{acceptXML, xmlType, doneXML}, {acceptJSON, jsonType, doneJSON}} {
		a, err := p.send(ctx, "DELETE", p.at(base, user)+"?"+query, "", p.csr(), format.accept)
		if err != nil {
			return err
		}
		if err := a.is(200, format.mediaType, format.done); err != nil {
			return err
		}
		if err := p.stands(ctx, at); err != nil {
			return err
		}
	}
	return nil
}
