package probe

import (
	"context"
	"fmt"
	"strings"
	"time"

	"customercare/infra/attribute"
	"customercare/infra/client"
)

// seesAllows checks that the two allows that were set are shown, in both formats.
func (r *run) seesAllows(ctx context.Context, kinds ...string) error {
	for media, before := range map[string]string{client.JSON: `"tempAllowType":`, client.XML: "<tempAllowType>"} {
		err := r.answers(ctx, func(a client.Answer) error {
			for _, kind := range kinds {
				if !strings.Contains(a.Body, before+kind) {
					return fmt.Errorf("got %s, want the allow of type %s", a, kind)
				}
			}
			return succeeds(a, media)
		}, client.ReadProvision(r.user).As(r.operator, r.password).With("Accept: "+media))
		if err != nil {
			return err
		}
	}
	return nil
}

// usesAllow checks that an allow lets in. What it leaves is taken over: whether a type is
// a single login is the deployment's own.
func (r *run) usesAllow(ctx context.Context) error {
	at := r.userPlace(r.user)
	request := client.UseTemporaryAllow(r.user).Under(1).As(r.operator, r.password)
	err := r.answers(ctx, func(a client.Answer) error {
		if !strings.Contains(a.Body, `"allowed":true,"tempAllowType":`) {
			return fmt.Errorf("got %s, want that an allow is in force", a)
		}
		return succeeds(a, client.JSON)
	}, request)
	if err != nil {
		return err
	}
	got, err := r.read(ctx, at)
	if err != nil {
		return err
	}
	for _, item := range got {
		for kind, value := range attribute.ReadMap(item, "tempAllows") {
			used := attribute.ReadNumber(attribute.ReadMap(attribute.ReadMap(item, "tempAllows"), kind), "usedAt")
			if used == 0 {
				continue
			}
			if off := time.Since(time.UnixMilli(used)).Abs(); off > maxClockDifference {
				return fmt.Errorf("the allow of type %s is said to be used %s off", kind, off)
			}
			attribute.ReadMap(r.want[at][0], "tempAllows")[kind] = value
		}
	}
	return nil
}

// usesNone checks that nobody is let in once no allow is in force.
func (r *run) usesNone(ctx context.Context) error {
	no := client.Done(client.JSON)
	no.Body = strings.TrimSuffix(no.Body, "}") + `,"allowed":false}`
	return r.answers(ctx, exactly(no), client.UseTemporaryAllow(r.user).As(r.operator, r.password))
}

// succeeds is the rule that a call beside operations 1 and 2 has succeeded.
func succeeds(a client.Answer, media string) error {
	if a.Status != 200 {
		return fmt.Errorf("got %s, want 200", a)
	}
	if err := a.HasType(media); err != nil {
		return err
	}
	return secured(a)
}
