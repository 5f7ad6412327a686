# Installs what `cargo build --release` has built, for a machine that runs systemd. README.md tells the way on.
#
#   make install [DESTDIR=/scratch/root] [PREFIX=/usr] [BINARY=target/release/recipisa]
#   make uninstall    leaves the configuration that you wrote, the credentials and the registry

PREFIX = /usr
DESTDIR =
CARGO = cargo
BINARY = target/release/recipisa

bin = $(DESTDIR)$(PREFIX)/bin
units = $(DESTDIR)$(PREFIX)/lib/systemd/system
sysusers = $(DESTDIR)$(PREFIX)/lib/sysusers.d
tmpfiles = $(DESTDIR)$(PREFIX)/lib/tmpfiles.d
doc = $(DESTDIR)$(PREFIX)/share/doc/recipisa
etc = $(DESTDIR)/etc/recipisa

.PHONY: all install uninstall

all: $(BINARY)

# Cargo knows best what has changed, but is not asked about a binary that lies ready: `sudo make install` needs no Rust.
target/release/recipisa:
	$(CARGO) build --release --locked

install: $(BINARY)
	install -d -m 0755 $(bin) $(units) $(sysusers) $(tmpfiles) $(doc) $(etc)
	install -d -m 0700 $(etc)/credentials
	install -m 0755 $(BINARY) $(bin)/recipisa
	sed 's|/usr/bin/recipisa|$(PREFIX)/bin/recipisa|; s|/usr/share/doc|$(PREFIX)/share/doc|' systemd/recipisa.service > $(units)/recipisa.service
	chmod 0644 $(units)/recipisa.service
	install -m 0644 systemd/recipisa.sysusers $(sysusers)/recipisa.conf
	install -m 0644 systemd/recipisa.tmpfiles $(tmpfiles)/recipisa.conf
	install -m 0644 config/recipisa.example.toml config/calendar.example.toml $(etc)
	install -m 0644 README.md CHANGELOG.md LICENSE docs/operators.md docs/json.md $(doc)

uninstall:
	rm -f $(bin)/recipisa $(units)/recipisa.service $(sysusers)/recipisa.conf $(tmpfiles)/recipisa.conf
	rm -f $(doc)/README.md $(doc)/CHANGELOG.md $(doc)/LICENSE $(doc)/operators.md $(doc)/json.md
	rm -f $(etc)/recipisa.example.toml $(etc)/calendar.example.toml
	-rmdir $(doc) $(etc)/credentials $(etc) 2>/dev/null
