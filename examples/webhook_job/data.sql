insert into media.videos (source) values ('talk.mov'), ('broken.mov'), ('slow.mov');
