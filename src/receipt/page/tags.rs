//! The structure tree of the receipt: what a screen reader is told (PDF/UA-1, ISO 32000-1 §14.8).
//!
//! Composition plants the nodes in reading order; drawing hangs the marked content onto them. It leaves out
//! the signature's form element, which is added with the signature.

use std::num::NonZeroU16;

use krilla::tagging::{Identifier, ListNumbering, TableHeaderScope, Tag, TagGroup, TagKind, TagTree};

/// Role of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Document,
    Section,
    Heading { level: u16, title: String },
    Paragraph,
    List,
    ListItem,
    ListLabel,
    ListBody,
    Table { summary: String },
    TableHead,
    TableBody,
    TableRow,
    ColumnHeader,
    RowHeader,
    Cell,
}

/// A planted node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Node(usize);

/// All nodes, the root first.
pub(super) struct Tags {
    planted: Vec<Planted>,
}

struct Planted {
    role: Role,
    children: Vec<Child>,
}

#[derive(Clone, Copy)]
enum Child {
    Node(Node),
    Content(Identifier),
}

impl Tags {
    pub(super) const ROOT: Node = Node(0);

    pub(super) fn new() -> Self {
        Self {
            planted: vec![Planted {
                role: Role::Document,
                children: Vec::new(),
            }],
        }
    }

    /// Adds a node as the last child of `parent`.
    pub(super) fn plant(&mut self, parent: Node, role: Role) -> Node {
        let node = Node(self.planted.len());
        self.planted.push(Planted {
            role,
            children: Vec::new(),
        });
        self.planted[parent.0].children.push(Child::Node(node));
        node
    }

    /// Hangs drawn content onto a node, after what hangs there already.
    pub(super) fn hang(&mut self, node: Node, content: Identifier) {
        self.planted[node.0].children.push(Child::Content(content));
    }

    /// The title of a node that is a heading.
    pub(super) fn heading(&self, node: Node) -> Option<&str> {
        if let Role::Heading { title, .. } = &self.planted[node.0].role {
            Some(title)
        } else {
            None
        }
    }

    /// The tree for krilla, whose root is the document element itself.
    pub(super) fn tree(&self) -> TagTree {
        let mut tree = TagTree::new();
        for child in &self.planted[Self::ROOT.0].children {
            match *child {
                Child::Node(node) => tree.push(self.group(node)),
                Child::Content(content) => tree.push(content),
            }
        }
        tree
    }

    fn group(&self, node: Node) -> TagGroup {
        let planted = &self.planted[node.0];
        let mut group = TagGroup::new(planted.role.tag());
        for child in &planted.children {
            match *child {
                Child::Node(node) => group.push(self.group(node)),
                Child::Content(content) => group.push(content),
            }
        }
        group
    }
}

impl Role {
    fn tag(&self) -> TagKind {
        match self {
            Self::Document => Tag::Part.into(),
            Self::Section => Tag::Section.into(),
            Self::Heading { level, title } => Tag::Hn(
                NonZeroU16::new(*level).unwrap_or(NonZeroU16::MIN),
                Some(title.clone()),
            )
            .into(),
            Self::Paragraph => Tag::P.into(),
            Self::List => Tag::L(ListNumbering::Decimal).into(),
            Self::ListItem => Tag::LI.into(),
            Self::ListLabel => Tag::Lbl.into(),
            Self::ListBody => Tag::LBody.into(),
            Self::Table { summary } => Tag::Table.with_summary(Some(summary.clone())).into(),
            Self::TableHead => Tag::THead.into(),
            Self::TableBody => Tag::TBody.into(),
            Self::TableRow => Tag::TR.into(),
            Self::ColumnHeader => Tag::TH(TableHeaderScope::Column).into(),
            Self::RowHeader => Tag::TH(TableHeaderScope::Row).into(),
            Self::Cell => Tag::TD.into(),
        }
    }
}
