"""Where pixels lie on Earth: grids with true areas, what ground they cover, images tied to it by points."""
